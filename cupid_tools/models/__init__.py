"""Encoders of RNAs and classifiers of pairs; the only package that imports torch."""
