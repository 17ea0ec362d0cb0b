"""What the shipped encoder learns from, and what is held out to judge encoders: FASTA files made of the shared data.

    python benchmarks/encoder_data.py --data DATA -o FOLDER

DATA is a folder with ``corpus/ncrna.fasta.gz`` and ``types/NAME.tsv.gz``. Equal input gives equal bytes.

pretrain.fa                RNAs of the sources whose licence is free (public domain or CC0), without any relative of
                           what is held out below; pretrain_families.tsv names the Rfam family of each, or unknown
types_nrc_{train,test}.fa  nRC's 13 classes, 80:20 by clusters of relatives; types_mncr_{train,test}.fa: MncR's 6
families.fa                all RNAs of 15 % of the Rfam families of at least 5, named by ``family=``
perplexity.fa              2 % of the clusters that remain

Relatives share a quarter of their 15-mers, directly or through others, in all sets and the corpus together. A cluster
of them is held out whole or not at all, and every header names it (``cluster=``). That miRNAs share a seed does not
make them relatives here: through their precursors it would join 40 % of all RNAs. A cluster that holds more than
``LARGEST`` of all RNAs is never held out; a family that reaches into it is not drawn. In the sets of types exact copies
are taken once, and sequences of two types not at all. A held-out family is known by its members' names and relatives;
distant members that a source does not name by family may stay in pretrain.fa.
"""

from __future__ import annotations

import argparse
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cupid_tools.io.atomic import atomic_write
from cupid_tools.io.fasta import read_fasta, write_fasta
from cupid_tools.io.streams import read_lines
from cupid_tools.sampling.relatives import related_groups
from cupid_tools.sampling.seeds import rng_for
from cupid_tools.vocab import UNKNOWN_TYPE, Rna

SOURCES = ("rfam14.2", "rfam14.8", "mirbase21hp", "mirbase22", "mirbase21", "mirbase_uea_hp", "mncr_rnacentral")
"""First words of the headers of Rfam, miRBase and RNAcentral, which are public domain or CC0."""
TYPE_SETS = {"nrc": "nrc_13class", "mncr": "mncr_rnacentral_6class"}
STANDARD_TYPES = {
    ("rfam14.2", "7SK"): "snRNA",  # as RNAcentral has it
    ("rfam14.2", "ncRNA"): UNKNOWN_TYPE,
    ("rfam14.2", "snoRNA"): UNKNOWN_TYPE,  # neither said to be C/D nor H/ACA, which other rows tell apart
    ("mncr_rnacentral", "snoRNA"): UNKNOWN_TYPE,
    ("mncr_rnacentral", "rRNA"): UNKNOWN_TYPE,  # 5S, 5.8S and others, which other rows tell apart
}
"""Source and its type -> the type in pretrain.fa; all others keep theirs."""
FEWEST_OF_TYPE = 50
"""RNAs of rarer types have none in pretrain.fa."""
FAMILY = re.compile(r"RF\d{5}")
FEWEST_OF_FAMILY = 5
TESTED, FAMILIES, MASKED = 0.2, 0.15, 0.02
LARGEST = 0.05
SEED = 1

Groups = NDArray[np.int64]
Mask = NDArray[np.bool_]


class Known(NamedTuple):
    """All RNAs, N: those of the corpus first, then those of the sets of types.

    Attributes:
        rnas: N.
        sets: str [N], a name of ``TYPE_SETS``; empty for the corpus.
        clusters: int64 [N], of relatives.
    """

    rnas: list[Rna]
    sets: NDArray[np.str_]
    clusters: Groups

    def kept(self, which: Mask) -> list[Rna]:
        """The RNAs at *which*, bool [N], with their clusters in the header."""
        chosen = np.flatnonzero(which)
        return [
            self.rnas[place]._replace(note=f"{self.rnas[place].note} cluster={self.clusters[place]}".strip())
            for place in chosen
        ]

    def in_clusters(self, clusters: Groups) -> Mask:
        """Who is in one of *clusters*: bool [N]."""
        return np.isin(self.clusters, clusters)


def read_corpus(path: Path) -> list[Rna]:
    """The RNAs of free sources, with standard types; the note names the Rfam family, where the name does."""
    rnas = []
    for rna in read_fasta(path):
        source, _, name = rna.id.partition("|")
        if source in SOURCES:
            family = FAMILY.match(name)
            kind = STANDARD_TYPES.get((source, rna.type), rna.type)
            rnas.append(rna._replace(type=kind, note=f"family={family[0]}" if family else ""))
    return rnas


def read_types(path: Path, name: str) -> list[Rna]:
    """The distinct sequences of one type, each once; *name* and their lines make their ids, since theirs repeat."""
    types: dict[str, set[str]] = defaultdict(set)
    lines: dict[str, int] = {}
    for number, line in enumerate(read_lines(path), start=1):
        _, kind, _, sequence = line.split("\t")
        if number > 1:
            types[sequence].add(kind)
            lines.setdefault(sequence, number)
    return [
        Rna(f"{name}_{lines[sequence]}", sequence, min(kinds)) for sequence, kinds in types.items() if len(kinds) == 1
    ]


def read_all(data: Path) -> Known:
    """Read the corpus and the sets of types, and find who is related."""
    rnas = read_corpus(data / "corpus" / "ncrna.fasta.gz")
    sets = [""] * len(rnas)
    for name, file in TYPE_SETS.items():
        of_set = read_types(data / "types" / f"{file}.tsv.gz", name)
        rnas += of_set
        sets += [name] * len(of_set)
    return Known(rnas, np.array(sets), related_groups([rna._replace(type=UNKNOWN_TYPE) for rna in rnas]))


def draw_within(clusters: Groups, kinds: Sequence[str], share: float, rng: np.random.Generator) -> Groups:
    """Draw clusters so that of every kind at most *share*, and nearly so much, is in them.

    Clusters are met in random order, and taken where none of their kinds then exceeds its share.

    Args:
        clusters: int64 [n], of each RNA.
        kinds: n, of each RNA.
        share: between 0 and 1.
        rng: source of randomness.

    Returns:
        int64, the numbers of the drawn clusters, ascending.
    """
    names, codes = np.unique(kinds, return_inverse=True)
    numbers, places = np.unique(clusters, return_inverse=True)
    held = np.zeros((len(numbers), len(names)), dtype=np.int64)
    np.add.at(held, (places, codes), 1)
    room = (held.sum(axis=0) * share).astype(np.int64)
    drawn = []
    for place in rng.permutation(len(numbers)):
        if np.all(held[place] <= room):
            room -= held[place]
            drawn.append(numbers[place])
    return np.sort(np.array(drawn, dtype=np.int64))


def draw(numbers: Iterable[object], share: float, rng: np.random.Generator) -> NDArray[np.generic]:
    """Draw this *share* of distinct things, rounded; ascending."""
    distinct = np.unique(list(numbers))
    return np.sort(rng.permutation(distinct)[: round(len(distinct) * share)])


def largest_clusters(clusters: Groups) -> Groups:
    """Clusters of more than ``LARGEST`` of all RNAs, which would take too much away if they were held out."""
    return np.flatnonzero(np.bincount(clusters) > LARGEST * len(clusters))


def drawable_families(families: NDArray[np.str_], barred: Mask) -> list[str]:
    """Families of at least ``FEWEST_OF_FAMILY``, none of whose members is *barred*, ascending.

    Args:
        families: str [N]; empty for none.
        barred: bool [N].
    """
    sizes = Counter(families[families != ""].tolist())
    unfit = set(families[barred].tolist())
    return sorted(name for name, size in sizes.items() if size >= FEWEST_OF_FAMILY and name not in unfit)


def without_rare_types(rnas: list[Rna]) -> list[Rna]:
    """RNAs of types that fewer than ``FEWEST_OF_TYPE`` have get none."""
    sizes = Counter(rna.type for rna in rnas)
    return [rna if sizes[rna.type] >= FEWEST_OF_TYPE else rna._replace(type=UNKNOWN_TYPE) for rna in rnas]


def divide(known: Known, seed: int = SEED) -> tuple[dict[str, list[Rna]], dict[str, int]]:
    """What each file holds, by its name; and why RNAs of free sources are left out of pretrain.fa, with how many."""
    corpus = known.sets == ""
    largest = known.in_clusters(largest_clusters(known.clusters))
    families = np.array([rna.note.removeprefix("family=") for rna in known.rnas])
    kinds = [f"{name} {rna.type}" for name, rna in zip(known.sets, known.rnas, strict=True)]

    open_sets = np.flatnonzero(~corpus)
    tested = (
        known.in_clusters(
            draw_within(
                known.clusters[open_sets],
                [kinds[place] for place in open_sets],
                TESTED,
                rng_for(seed, "benchmarks.encoder_data", "types"),
            )
        )
        & ~largest
    )
    drawn = draw(drawable_families(families, largest), FAMILIES, rng_for(seed, "benchmarks.encoder_data", "families"))
    of_family = np.isin(families, drawn)
    out = {
        "tested types and relatives": tested,
        "drawn families and relatives": known.in_clusters(known.clusters[of_family]),
    }
    rest = corpus & ~largest & ~np.any(list(out.values()), axis=0)
    masked = known.in_clusters(
        draw(known.clusters[rest], MASKED, rng_for(seed, "benchmarks.encoder_data", "perplexity"))
    )
    out["clusters of perplexity.fa"] = masked

    files = {"families": known.kept(of_family), "perplexity": known.kept(masked & corpus)}
    for name in TYPE_SETS:
        files[f"types_{name}_train"] = known.kept((known.sets == name) & ~tested)
        files[f"types_{name}_test"] = known.kept((known.sets == name) & tested)
    learned = corpus.copy()
    reasons = {}
    for reason, which in out.items():
        reasons[reason] = int(np.sum(learned & which))
        learned &= ~which
    files["pretrain"] = without_rare_types(known.kept(learned))
    return files, reasons


def family_of(rna: Rna) -> str:
    """The Rfam family that the header names, or ``UNKNOWN_TYPE``."""
    found = FAMILY.search(rna.note)
    return found[0] if found else UNKNOWN_TYPE


def main(args: argparse.Namespace) -> None:
    """Write the files, and print Markdown tables of what they hold."""
    known = read_all(args.data)
    files, reasons = divide(known)
    args.output.mkdir(parents=True, exist_ok=True)
    print("| file | RNAs | nt | clusters | types |\n|---|---|---|---|---|")
    for name in sorted(files):
        rnas = files[name]
        with atomic_write(args.output / f"{name}.fa") as handle:
            write_fasta(handle, rnas)
        types = Counter(rna.type for rna in rnas)
        told = ", ".join(
            f"{kind} {size:,}" for kind, size in sorted(types.items(), key=lambda item: (-item[1], item[0]))
        )
        clusters = len({rna.note.rpartition("=")[2] for rna in rnas})
        print(f"| {name}.fa | {len(rnas):,} | {sum(len(rna.sequence) for rna in rnas):,} | {clusters:,} | {told} |")
    with atomic_write(args.output / "pretrain_families.tsv") as handle:
        handle.write("id\ttype\n")
        handle.writelines(f"{rna.id}\t{family_of(rna)}\n" for rna in files["pretrain"])
    sizes = np.bincount(known.clusters)
    print(f"\nRNAs of free sources: {int(np.sum(known.sets == '')):,}. Left out of pretrain.fa:\n")
    print("| why | RNAs |\n|---|---|")
    for reason, number in reasons.items():
        print(f"| {reason} | {number:,} |")
    print(f"\nClusters: {len(sizes):,} of {len(known.rnas):,} RNAs; the largest: {np.sort(sizes)[:-6:-1].tolist()}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FOLDER")
    main(parser.parse_args())
