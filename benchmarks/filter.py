"""cupid-filter on a large FASTA against Biopython's own parsers doing the same job.

    python benchmarks/filter.py FASTA

The job: read (plain or gzip), upper case, T to U, refuse foreign letters, keep at most 1022 nt, write. The opponents
are whole processes too: Biopython's fast ``SimpleFastaParser`` and its usual ``SeqIO.parse``, each written for speed.
"""

from __future__ import annotations

import filecmp
import sys
import tempfile
from pathlib import Path

from measure import BIN, Cost, run

LONGEST = 1022

_OPPONENT = """
import gzip, sys
source, target, parser = sys.argv[1:]
opened = gzip.open(source, "rt") if open(source, "rb").read(2) == b"\\x1f\\x8b" else open(source)
allowed = set("ACGURYKMSWBDHVN")
if parser == "SimpleFastaParser":
    from Bio.SeqIO.FastaIO import SimpleFastaParser
    records = SimpleFastaParser(opened)
else:
    from Bio import SeqIO
    records = ((record.description, str(record.seq)) for record in SeqIO.parse(opened, "fasta"))
seen = set()
with open(target, "w") as out:
    for title, sequence in records:
        name = title.split(None, 1)[0]
        if name in seen:
            sys.exit("twice: " + name)
        seen.add(name)
        sequence = sequence.upper().replace("T", "U")
        if not allowed.issuperset(sequence):
            sys.exit("foreign letter: " + name)
        if len(sequence) <= LONGEST:
            out.write(f">{title}\\n{sequence}\\n")
"""


def main(fasta: str) -> None:
    """Print seconds and peak memory of each, twice, as ratios to ours."""
    with tempfile.TemporaryDirectory() as folder:
        ours, theirs = Path(folder, "ours.fa"), Path(folder, "theirs.fa")
        tool = [BIN / "cupid-filter", "--rnas-only", "-f", fasta, "--max-length", str(LONGEST), "-o", ours, "--quiet"]
        opponent = [sys.executable, "-c", _OPPONENT.replace("LONGEST", str(LONGEST)), fasta, theirs]
        print(f"{'round':>5} {'command':28} {'seconds':>8} {'ratio':>6} {'peak MiB':>9}")
        for turn in (1, 2):
            base = run(tool)
            rows: list[tuple[str, Cost]] = [("cupid-filter", base)]
            for parser in ("SimpleFastaParser", "SeqIO.parse"):
                rows.append((f"Biopython {parser}", run([*opponent, parser])))
                if not filecmp.cmp(ours, theirs, shallow=False):
                    sys.exit(f"{parser} gives other RNAs")
            for name, cost in rows:
                print(f"{turn:5} {name:28} {cost.seconds:8.2f} {cost.seconds / base.seconds:6.2f} {cost.peak_mib:9.0f}")


if __name__ == "__main__":
    main(sys.argv[1])
