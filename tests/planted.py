"""Pairs of RNAs whose labels follow from a seed site, with nothing else to tell them."""

import numpy as np

from cupid_tools.models.dataset import LabelledPairs, TrainingData

_PAIRS_WITH = str.maketrans("ACGU", "UGCA")


def random_rna(rng, length):
    """One RNA of *length* nt."""
    return "".join(rng.choice(list("ACGU"), length))


def site_of(guide):
    """The 7mer-m8 site of *guide*."""
    return guide[1:8][::-1].translate(_PAIRS_WITH)


def planted_data(seed=1, guides=40, targets=60):
    """Every guide with every target; a fifth of the pairs have a site, and label 1. Valid is of RNAs of its own."""
    rng = np.random.default_rng(seed)
    short = [random_rna(rng, 22) for _ in range(guides)]
    long = [list(random_rna(rng, 80)) for _ in range(targets)]
    first, second = (side.ravel() for side in np.meshgrid(np.arange(guides), np.arange(targets), indexing="ij"))
    labels = np.zeros(len(first), dtype=np.int8)
    for target, letters in enumerate(long):
        chosen = rng.choice(np.flatnonzero(np.arange(guides) % 4 == target % 4), 4, replace=False)
        for place, guide in zip(range(4, 80, 20), chosen, strict=True):
            letters[place : place + 7] = site_of(short[guide])
            labels[guide * targets + target] = 1
    labelled = (first % 4) == (second % 4)
    unseen = labelled & (first % 4 == 0)
    train, valid = (
        LabelledPairs(first[rows], guides + second[rows], labels[rows]) for rows in (labelled & ~unseen, unseen)
    )
    rnas = short + ["".join(letters) for letters in long]
    return TrainingData(rnas=rnas, groups=np.arange(len(rnas)), train=train, valid=valid, digests={})
