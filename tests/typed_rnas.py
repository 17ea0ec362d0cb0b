"""RNAs whose type follows from their composition, with nothing else to tell it."""

import numpy as np

from cupid_tools.vocab import Rna

LETTERS = {"at-rich": [0.4, 0.1, 0.1, 0.4], "gc-rich": [0.1, 0.4, 0.4, 0.1], "purines": [0.4, 0.1, 0.4, 0.1]}
"""Type -> shares of A, C, G and U."""


def typed_rnas(per_type=40, seed=1, lengths=(30, 60)):
    """As many RNAs of each type, in turns; no two are relatives."""
    rng = np.random.default_rng(seed)
    return [
        Rna(f"{kind}-{seed}-{number}", "".join(rng.choice(list("ACGU"), rng.integers(*lengths), p=shares)), kind)
        for number in range(per_type)
        for kind, shares in LETTERS.items()
    ]


def fasta_of(rnas):
    """The text of a FASTA with the types in its headers."""
    return "".join(f">{rna.id} type={rna.type}\n{rna.sequence}\n" for rna in rnas)
