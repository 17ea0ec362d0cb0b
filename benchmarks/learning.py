"""What classifiers are worth on RNAs whose relatives they have never seen.

    python benchmarks/learning.py DATA [--sets ...] [--classifiers ...] [--seeds 1 2 3 4 5] [--embeddings NPY ...]

DATA is a folder of sets, each NAME/sequences.fasta and NAME/pairs.tsv. A quarter of each side's RNAs is tested; groups
of relatives (miRNAs of one seed, RNAs that share a quarter of their 15-mers) are kept whole. Ten negatives a positive,
or as many as there are: those of train and valid are degree-preserving, those of the test uniform, or
degree-preserving too.

lncrna        human miRNAs with lncRNAs, both of at most 1,022 nt
lncrna-gene   the same with lncRNAs of any length; isoforms (relatives) are one gene, of which the largest score counts
mirna         miRNAs with miRNAs and pre-miRNAs
clash         miRNAs with sites of CLASH, as published: its own test set, and its own negatives
clash-family  the same, with miRNA families held out

Printed are the mean and the standard deviation over splits, and the 95 % interval of that mean under a bootstrap over
groups of relatives; beside them two baselines without any model: who has a relative among the known pairs, and the best
seed site. Classifiers that read vectors are fitted to each store of --embeddings in its turn, which cupid-embed
makes of the sets' RNAs, or else to the composition in k-mers.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from cupid_tools.errors import InputError
from cupid_tools.evaluation.baselines import BASELINES
from cupid_tools.evaluation.baselines.data import Pairs, Training
from cupid_tools.evaluation.bootstrap import Resampled, interval, unit_weights
from cupid_tools.evaluation.experiment import MODEL, Rows, to_genes
from cupid_tools.evaluation.metrics import Floats, Labels, auroc, average_precision
from cupid_tools.evaluation.rnas import RnaTable
from cupid_tools.io.fasta import load_rnas
from cupid_tools.io.pairs import ID_A, ID_B, LABEL, SPLIT, PairTable, read_pairs
from cupid_tools.io.store import EmbeddingStore
from cupid_tools.models.choice import Choice, choose
from cupid_tools.models.classifiers import CLASSIFIERS, SEQUENCES, VECTORS
from cupid_tools.models.dataset import LabelledPairs, Rnas, TrainingData
from cupid_tools.models.encoders import load_encoder
from cupid_tools.models.encoders.settings import EncoderSettings
from cupid_tools.sampling.coded import Codes, code_pairs
from cupid_tools.sampling.negatives import NegativeSettings
from cupid_tools.sampling.negatives.draw import draw_negatives
from cupid_tools.sampling.relatives import related_groups
from cupid_tools.sampling.seeds import rng_for
from cupid_tools.sampling.splits import SplitSettings
from cupid_tools.sampling.splits.split import split_pairs
from cupid_tools.vocab import MIRNA, SPLITS, TEST, TRAIN, VALID, Rna

LNCRNA, MIRNAS, CLASH = "mirna_lncrna_human_ncrnainter", "mirna_mirna_gin", "mirna_site_clash_hejret_mirbench"
LONGEST = 1022
PER_POSITIVE = 10
UNIFORM, DEGREE = "uniform", "degree-preserving"
OWN = "its own"
REPLICATES = 500
BASELINE_NAMES = ("relatives", "seed-match")
KMER = "kmer"


class World(NamedTuple):
    """Pairs of one set and their N RNAs, sorted by id.

    Attributes:
        table: positives, or all pairs where the set has negatives of its own.
        rnas: N.
        groups: int64 [N], of relatives.
        published: bool [rows], those of the published test set.
    """

    table: PairTable
    rnas: list[Rna]
    groups: Codes
    published: NDArray[np.bool_]

    def pairs(self, table: PairTable) -> LabelledPairs:
        """Rows of *table* as positions among the RNAs."""
        return LabelledPairs(*table.codes([rna.id for rna in self.rnas]), table.column(LABEL))


class Trial(NamedTuple):
    """What one split gives: what is learned, and by strategy of negatives what is tested.

    Attributes:
        train, valid: pairs among the world's RNAs.
        tests: strategy -> pairs.
        genes: int64 [N], what is merged in the test; None for nothing.
    """

    train: LabelledPairs
    valid: LabelledPairs
    tests: dict[str, LabelledPairs]
    genes: Codes | None = None


def load(folder: Path, longest: int | None = None, *, own_negatives: bool = False) -> World:
    """Read one set; pairs of an RNA above *longest* nt are left out."""
    known = load_rnas(str(folder / "sequences.fasta"))
    table = read_pairs(folder / "pairs.tsv")
    published = np.zeros(len(table), dtype=bool)
    if own_negatives:
        source = read_pairs(folder / "source_split.tsv")
        of_test = np.array([name.endswith("_test.tsv") for name in source.column("source_file")])
        published = table.keys().isin(source.where(of_test).keys()).to_numpy()
    keep = np.array([own_negatives]) | (table.column(LABEL) == 1)
    for column in (ID_A, ID_B):
        keep &= np.array([longest is None or len(known[name].sequence) <= longest for name in table.column(column)])
    pairs = code_pairs(table.where(keep), known, folder)
    return World(table.where(keep), pairs.rnas, related_groups(pairs.rnas), published[keep])


def split(world: World, seed: int, by: str, *, strict: bool = True) -> PairTable:
    """The rows of the world that have a split, with it."""
    pairs = code_pairs(world.table, {rna.id: rna for rna in world.rnas}, world.table.path)
    parts = split_pairs(
        world.table, pairs, world.groups if strict else pairs.sequences, SplitSettings(by=by, strict=strict, seed=seed)
    )
    return world.table.assign(split=np.array(SPLITS, dtype=object)[parts]).where(parts >= 0)


def with_negatives(world: World, table: PairTable, part: str, strategy: str, seed: int) -> LabelledPairs:
    """The positives of one *part* of *table* with their negatives: ``PER_POSITIVE``, or as many as are free."""
    rnas = {rna.id: rna for rna in world.rnas}
    mine = table.assign(label=(table.column(SPLIT) == part).astype(np.int8))
    coded = code_pairs(mine, rnas, table.path)
    place = np.searchsorted([rna.id for rna in world.rnas], [rna.id for rna in coded.rnas])
    for number in range(PER_POSITIVE, 0, -1):
        settings = NegativeSettings(strategy=strategy, per_positive=number, seed=seed)
        try:
            strata = draw_negatives(mine, coded, settings)
        except InputError:
            if number == 1:
                raise
            continue
        break
    a, b = (np.concatenate(side) for side in zip(*(stratum.drawn() for stratum in strata), strict=True))
    positive = coded.positive
    return LabelledPairs(
        place[np.concatenate([coded.a[positive], a])],
        place[np.concatenate([coded.b[positive], b])],
        np.repeat([1, 0], [positive.sum(), len(a)]).astype(np.int8),
    )


def unseen_both(world: World, seed: int) -> Trial:
    """Neither RNA of a test pair has a relative in train."""
    table = split(world, seed, "unseen-both")
    return Trial(
        with_negatives(world, table, TRAIN, DEGREE, seed),
        with_negatives(world, table, VALID, DEGREE, seed),
        {strategy: with_negatives(world, table, TEST, strategy, seed) for strategy in (UNIFORM, DEGREE)},
    )


def unseen_genes(world: World, seed: int) -> Trial:
    """As ``unseen_both``; what is tested are pairs of a miRNA and a gene, each with all of the gene's isoforms."""
    table = split(world, seed, "unseen-both")
    mirna = np.array([rna.type == MIRNA for rna in world.rnas])
    genes = np.unique(np.where(mirna, len(mirna) + np.arange(len(mirna)), world.groups), return_inverse=True)[1]
    _, first = np.unique(genes, return_index=True)
    tested = table.where(table.column(SPLIT) == TEST)
    a, b = (first[genes[side]] for side in (world.pairs(tested).first, world.pairs(tested).second))
    names = np.array([rna.id for rna in world.rnas], dtype=object)
    frame = tested.frame.assign(id_a=names[a], id_b=names[b]).drop_duplicates([ID_A, ID_B])
    represented = PairTable(frame, table.path)
    tests = {}
    for strategy in (UNIFORM, DEGREE):
        pairs = with_negatives(world, represented, TEST, strategy, seed)
        members = [np.flatnonzero(genes == gene) for gene in range(len(first))]
        both = [
            np.meshgrid(members[genes[x]], members[genes[y]]) for x, y in zip(pairs.first, pairs.second, strict=True)
        ]
        sizes = [one.size for one, _ in both]
        tests[strategy] = LabelledPairs(
            np.concatenate([one.ravel() for one, _ in both]),
            np.concatenate([other.ravel() for _, other in both]),
            np.repeat(pairs.labels, sizes),
        )
    return Trial(
        with_negatives(world, table, TRAIN, DEGREE, seed),
        with_negatives(world, table, VALID, DEGREE, seed),
        tests,
        genes,
    )


def published(world: World, seed: int) -> Trial:
    """The published test set; a part of the rest, at random, is valid."""
    rest = world._replace(table=world.table.where(~world.published))
    table = split(rest, seed, "random", strict=False)
    valid = table.column(SPLIT) == VALID
    test = world.pairs(world.table.where(world.published))
    return Trial(world.pairs(table.where(~valid)), world.pairs(table.where(valid)), {OWN: test})


def unseen_families(world: World, seed: int) -> Trial:
    """No miRNA of a test pair has a relative in train."""
    table = split(world, seed, "unseen-a")
    train, valid, test = (world.pairs(table.where(table.column(SPLIT) == part)) for part in SPLITS)
    return Trial(train, valid, {OWN: test})


SETS: dict[str, tuple[Callable[[Path], World], Callable[[World, int], Trial]]] = {
    "lncrna": (lambda data: load(data / LNCRNA, LONGEST), unseen_both),
    "lncrna-gene": (lambda data: load(data / LNCRNA), unseen_genes),
    "mirna": (lambda data: load(data / MIRNAS), unseen_both),
    "clash": (lambda data: load(data / CLASH, own_negatives=True), published),
    "clash-family": (lambda data: load(data / CLASH, own_negatives=True), unseen_families),
}


class Method(NamedTuple):
    """A baseline or a classifier, and the store that it reads: None for sequences, ``KMER`` for what needs none."""

    name: str
    store: str | None = None

    @property
    def label(self) -> str:
        """Its name in the table."""
        return self.name if self.store is None else f"{self.name} on {Path(self.store).stem}"


def methods(classifiers: list[str], stores: list[str]) -> Iterator[Method]:
    """All that are compared."""
    yield from map(Method, BASELINE_NAMES)
    for name in classifiers:
        yield from (Method(name, store) for store in (stores if CLASSIFIERS.load(name).reads == VECTORS else [None]))


def read_rnas(world: World, store: str | None) -> Rnas:
    """What a method reads of the world's RNAs."""
    sequences = [rna.sequence for rna in world.rnas]
    if store is None:
        return sequences
    if store == KMER:
        return load_encoder(KMER, EncoderSettings()).embed(sequences)
    vectors = EmbeddingStore([store])
    vectors.check_sequences({rna.id: rna for rna in world.rnas})
    return vectors.read([rna.id for rna in world.rnas])


def chosen(name: str, epochs: int | None) -> Choice:
    """A classifier with its own numbers; a net with those of its recipe, but for the *epochs* where they are given."""
    reads = CLASSIFIERS.load(name).reads
    return choose(name, None, reads, {"epochs": epochs} if epochs and reads == VECTORS else {})


def answers(
    world: World, trial: Trial, method: str, rnas: Rnas, seed: int, epochs: int | None
) -> Iterator[tuple[str, Floats]]:
    """The scores of the pairs of each test by a baseline, or by a classifier fitted to *trial*."""
    if method in BASELINE_NAMES:
        table = RnaTable(world.rnas, world.groups)
        training = Training(Pairs(trial.train.first, trial.train.second), trial.train.labels, seed)
        for strategy, test in trial.tests.items():
            yield strategy, BASELINES.load(method)(training, Pairs(test.first, test.second), table)
        return
    choice = chosen(method, epochs)
    data = TrainingData(rnas=rnas, groups=world.groups, train=trial.train, valid=trial.valid, digests={})
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    dim = 0 if choice.kind.reads == SEQUENCES else np.shape(rnas)[1]
    fit = choice.kind(choice.config, dim).fit(data, choice.training, device=device, seed=seed)
    fitted = choice.kind(choice.config, dim)
    fitted.load(fit.tensors, device)
    scorer = fitted.scorer(rnas)
    for strategy, test in trial.tests.items():
        yield strategy, scorer.scores(test.first, test.second)


class Judged(NamedTuple):
    """Pairs of RNAs, or of genes: their groups, int64 [2, n]; labels and scores [n]."""

    groups: Codes
    labels: Labels
    scores: Floats


def merged(world: World, trial: Trial, test: LabelledPairs, scores: Floats) -> Judged:
    """What is judged of a test: pairs as they are, or those of isoforms of the same genes as one."""
    pairs = np.stack([test.first, test.second])
    if trial.genes is None:
        return Judged(world.groups[pairs], test.labels, scores)
    nothing, none = np.zeros(len(test), dtype=np.int64), np.zeros((2, len(test)), dtype=bool)
    rows = to_genes(
        Rows(
            split=nothing,
            label=test.labels,
            kind=nothing,
            strategy=nothing,
            seen=none,
            related=none,
            who=trial.genes[pairs],
            unit=world.groups[pairs],
            scores={MODEL: scores},
        )
    )
    return Judged(rows.unit, rows.label, rows.scores[MODEL])


class Result(NamedTuple):
    """AUROC and average precision of one test, and of its replicates: [2], [2, REPLICATES]."""

    point: Floats
    replicates: Floats


def group_weights(world: World, name: str) -> NDArray[np.float32]:
    """How often each group of relatives occurs in each replicate; *name* is that of the set."""
    kinds = RnaTable(world.rnas, world.groups).types
    strata = kinds[np.unique(world.groups, return_index=True)[1]]
    return unit_weights(strata, REPLICATES, rng_for(0, "benchmarks.learning", name))


def judge(weights: NDArray[np.float32], found: Judged) -> Result:
    """Both metrics; *weights* are those of the groups in each replicate."""
    point = np.array([auroc(found.labels, found.scores), average_precision(found.labels, found.scores)])
    first, second = found.groups
    replicates = Resampled(weights, first, second, found.labels).replicates(found.scores, np.nan)
    return Result(point, np.stack([replicates.auroc, replicates.auprc]))


def cells(results: list[Result]) -> Iterator[str]:
    """AUROC, then average precision: mean +- standard deviation [interval of the mean]."""
    points = np.stack([result.point for result in results])
    replicates = np.mean([result.replicates for result in results], axis=0)
    for values, means in zip(points.T, replicates, strict=True):
        low, high = interval(means, 0.95)
        spread = f" ± {values.std(ddof=1):.3f}" if len(values) > 1 else ""
        yield f"{values.mean():.3f}{spread} [{low:.3f}, {high:.3f}]"


def main(args: argparse.Namespace) -> None:
    """Print a Markdown table, set by set."""
    print("| set | negatives | method | AUROC | average precision | s to fit and score |\n|---|---|---|---|---|---|")
    for name in args.sets:
        read, draw = SETS[name]
        world = read(args.data)
        weights = group_weights(world, name)
        results: dict[tuple[str, str], list[Result]] = defaultdict(list)
        seconds: dict[str, float] = defaultdict(float)
        trials = [(seed, draw(world, seed)) for seed in args.seeds]
        for method in methods(args.classifiers, args.embeddings):
            rnas = read_rnas(world, method.store)
            for seed, trial in trials:
                start = time.perf_counter()
                for strategy, scores in answers(world, trial, method.name, rnas, seed, args.epochs):
                    found = merged(world, trial, trial.tests[strategy], scores)
                    results[method.label, strategy].append(judge(weights, found))
                seconds[method.label] += time.perf_counter() - start
        for (label, strategy), each in results.items():
            spent = seconds[label] / len(trials)
            print("|", " | ".join([name, strategy, label, *cells(each), f"{spent:.1f}"]), "|", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS))
    parser.add_argument(
        "--classifiers", nargs="*", choices=list(CLASSIFIERS), default=["seed-lr", "boosting", "duplex", "blend"]
    )
    parser.add_argument("--seeds", nargs="+", type=int, default=[1, 2, 3, 4, 5])
    parser.add_argument("--embeddings", nargs="+", default=[KMER], metavar="NPY")
    parser.add_argument("--epochs", type=int, help="of nets, at most; left out: as the recipe says")
    warnings.simplefilter("ignore")
    main(parser.parse_args())
