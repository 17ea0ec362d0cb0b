"""Peak memory of cupid-embed, of --merge, and of a reader, as the number of RNAs grows.

    python benchmarks/embed_memory.py [RNAS...]

The RNAs are random, of 100 nt, all different. Encoders are kmer and a tiny RNA-FM with random weights, pooled and with
one vector a nucleotide. What is held for each RNA is the slope between the fewest and the most of them.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from measure import BIN, run

COUNTS = (100_000, 300_000, 1_000_000)
LENGTH = 100
BLOCK = 10_000
REPOSITORY = Path(__file__).parent.parent
SAVE_TINY = (
    f"import sys; sys.path.insert(0, {str(REPOSITORY)!r}); from tests.language_models import save_rnafm;"
    "save_rnafm(sys.argv[1], layers=1, embed_dim=16, ffn_embed_dim=16, attention_heads=2)"
)
"""Run in a process of its own: the peak of a new process starts from what the one that starts it holds."""
READER = "import sys; from cupid_tools.io.store import EmbeddingStore; EmbeddingStore([sys.argv[1]])"


def write_rnas(path: Path, count: int, first: int = 0) -> None:
    """Write *count* random RNAs."""
    rng = np.random.default_rng([count, first])
    with open(path, "wb") as handle:
        for start in range(first, first + count, BLOCK):
            letters = np.frombuffer(b"ACGU", dtype=np.uint8)[rng.integers(0, 4, (BLOCK, LENGTH))]
            handle.writelines(b">URS%010d\n%s\n" % (start + row, rna.tobytes()) for row, rna in enumerate(letters))


def import_tiny(folder: Path) -> list[str]:
    """The options of cupid-embed for a tiny RNA-FM with random weights."""
    run([sys.executable, "-c", SAVE_TINY, folder / "tiny.pth"])
    options = ["--weights-dir", str(folder / "weights")]
    run([BIN / "cupid-weights", "import", folder / "tiny.pth", "--as", "rnafm", *options])
    return ["--encoder", "rnafm", "--device", "cpu", "--precision", "fp32", *options]


def report(what: str, counts: Sequence[int], peaks: Sequence[float], seconds: float) -> None:
    """Print a line of peaks and their slope."""
    slope = (peaks[-1] - peaks[0]) / (counts[-1] - counts[0]) * 1e6
    shown = "  ".join(f"{peak:6.0f}" for peak in peaks)
    print(f"{what:32} {shown} MiB; {slope:5.0f} MiB a million RNAs; {seconds:.0f} s for the most", flush=True)


def main(counts: Sequence[int]) -> None:
    """Print peaks for each number of RNAs."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for count in counts:
            write_rnas(folder / f"{count}.fa", count)
        write_rnas(folder / "more.fa", BLOCK, first=max(counts))
        run([BIN / "cupid-embed", "--quiet", "-o", folder / "more.npy", folder / "more.fa"])
        print(f"{'':32} " + "  ".join(f"{count:6}" for count in counts) + " RNAs")
        tiny = import_tiny(folder)
        for what, options in {"tiny RNA-FM": tiny, "tiny RNA-FM, --pooling none": [*tiny, "--pooling", "none"]}.items():
            embed(what, folder, counts, options)
        embed("kmer", folder, counts, [])
        costs = [run([sys.executable, "-c", READER, folder / f"{count}.npy"]) for count in counts]
        report("reading the store of kmer", counts, [cost.peak_mib for cost in costs], costs[-1].seconds)
        costs = [
            run(
                [
                    BIN / "cupid-embed",
                    "--quiet",
                    "-o",
                    folder / "m.npy",
                    "--merge",
                    folder / f"{count}.npy",
                    folder / "more.npy",
                ]
            )
            for count in counts
        ]
        report("merging it with another", counts, [cost.peak_mib for cost in costs], costs[-1].seconds)


def embed(what: str, folder: Path, counts: Sequence[int], options: Sequence[str]) -> None:
    """Embed each file and report."""
    costs = [
        run([BIN / "cupid-embed", "--quiet", *options, "-o", folder / f"{count}.npy", folder / f"{count}.fa"])
        for count in counts
    ]
    report(what, counts, [cost.peak_mib for cost in costs], costs[-1].seconds)


if __name__ == "__main__":
    main([int(count) for count in sys.argv[1:]] or COUNTS)
