"""A learned energy of interaction: a sum over all duplexes of two RNAs, and what it says of each nucleotide.

``tables`` says what a duplex is and what it weighs; ``kernels`` are the loops; ``energies`` runs them over many pairs;
``explain`` says where two RNAs pair.
"""
