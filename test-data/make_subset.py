"""Choose the RNAs and pairs of ``test-data/rnas.fa`` and ``test-data/pairs.tsv`` from the full human set.

    python test-data/make_subset.py FOLDER_OF_THE_FULL_SET test-data

RNAs are taken in the order of the SHA-256 of their ids, so that the choice depends on nothing else.
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

from cupid_tools.io.fasta import load_rnas, write_fasta
from cupid_tools.io.pairs import ID_A, ID_B, LABEL, read_pairs, write_pairs

MIRNAS, SHORT_LNCRNAS, LONG_LNCRNAS = 110, 265, 8
CONTEXT = 1022  # nt that RNA-FM can read; the few above it let cupid-filter show what it does


def main(source: Path, target: Path) -> None:
    """Write the subset of *source* into *target*."""
    rnas = load_rnas(source / "sequences.fasta")
    pairs = read_pairs(source / "pairs.tsv", require=[LABEL])
    by_digest = sorted(rnas.values(), key=lambda rna: hashlib.sha256(rna.id.encode()).hexdigest())
    mirnas = [rna for rna in by_digest if rna.type == "miRNA"][:MIRNAS]
    short = [rna for rna in by_digest if rna.type == "lncRNA" and len(rna.sequence) <= CONTEXT][:SHORT_LNCRNAS]
    long = [rna for rna in by_digest if rna.type == "lncRNA" and CONTEXT < len(rna.sequence) < 2000][:LONG_LNCRNAS]
    chosen = {rna.id for rna in (*mirnas, *short, *long)}
    frame = pairs.frame
    kept = frame[(frame[LABEL] == 1) & frame[ID_A].isin(chosen) & frame[ID_B].isin(chosen)]
    named = {*kept[ID_A], *kept[ID_B]}
    with open(target / "rnas.fa", "w", encoding="utf-8") as handle:
        write_fasta(handle, (rna for rna in rnas.values() if rna.id in named))
    with open(target / "pairs.tsv", "w", encoding="utf-8") as handle:
        write_pairs(handle, [kept])


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
