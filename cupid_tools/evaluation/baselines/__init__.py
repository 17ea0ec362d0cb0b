"""Simple answers that a model must beat: a new one is a function in a file here, and a line below.

Each is fitted on train rows alone, and answers alike for (a, b) and (b, a):
``(train: Training, pairs: Pairs, rnas: RnaTable) -> float64 [pairs]``, higher for likelier pairs.
"""

from __future__ import annotations

from cupid_tools.registry import Entry, Registry

_HERE = "cupid_tools.evaluation.baselines"

BASELINES = Registry(
    "baseline",
    {
        "prevalence": Entry(f"{_HERE}.rates:prevalence", "the same score for every pair"),
        "type-pair": Entry(
            f"{_HERE}.rates:type_pair_rate", "share of positives among the train pairs of the two types"
        ),
        "degree-a": Entry(f"{_HERE}.degree:degree_a", "train positives of the first RNA"),
        "degree-b": Entry(f"{_HERE}.degree:degree_b", "train positives of the second RNA"),
        "degree-sum": Entry(f"{_HERE}.degree:degree_sum", "train positives of both RNAs, added"),
        "degree-product": Entry(
            f"{_HERE}.degree:degree_product", "train positives of both RNAs, each plus 1, multiplied"
        ),
        "degree-ratio": Entry(f"{_HERE}.degree:degree_ratio", "share of positives among the train pairs of each RNA"),
        "one-hot": Entry(f"{_HERE}.identity:one_hot", "logistic regression on which RNAs a pair holds, by name alone"),
        "svd": Entry(f"{_HERE}.identity:svd", "RNAs that share partners: few factors of the matrix of train positives"),
        "length-gc": Entry(f"{_HERE}.composition:length_gc", "logistic regression on lengths and GC content"),
        "kmer-logistic": Entry(f"{_HERE}.composition:kmer_logistic", "logistic regression on 3-mers of both RNAs"),
        "random-encoder": Entry(
            f"{_HERE}.controls:random_encoder",
            "logistic regression on what a random, untrained convolution makes of both RNAs",
        ),
        "shuffled-labels": Entry(
            f"{_HERE}.controls:shuffled_labels",
            "kmer-logistic fitted to shuffled labels: a control, which must be at chance",
        ),
        "a-only": Entry(f"{_HERE}.one_side:a_only", "logistic regression on 3-mers of the first RNA alone"),
        "b-only": Entry(f"{_HERE}.one_side:b_only", "logistic regression on 3-mers of the second RNA alone"),
        "seed-match": Entry(f"{_HERE}.seed:seed_match", "best seed site: 8mer, 7mer-m8, 7mer-A1, 6mer or none"),
        "nearest-neighbour": Entry(
            f"{_HERE}.neighbours:nearest_neighbour", "train labels of the most similar RNAs by 4-mers"
        ),
        "relatives": Entry(f"{_HERE}.neighbours:relatives", "whether relatives of both RNAs are a train positive"),
    },
)

CONTROLS = frozenset({"shuffled-labels"})
"""They show that an evaluation is sound, and answer nothing: never the best baseline."""
