"""What every tool takes of a machine, on one set of RNAs and pairs: for those who give jobs memory and cores.

    python -m benchmarks.resources [FOLDER]

FOLDER holds rnas.fa (or sequences.fasta) and pairs.tsv; the default is test-data. Each command runs once, in one
thread. The chain is that of the demo: filter, split with unseen and unrelated RNAs, augment, 5 negatives a positive,
then every classifier, scores, a report, an encoder, types of RNAs.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path

from benchmarks.measure import BIN, run

ROOT = Path(__file__).parents[1]
CLASSIFIERS = ("seed-lr", "boosting", "duplex", "blend")


def commands(folder: Path) -> dict[str, str]:
    """Name -> command line; each reads what those before it have written."""
    (rnas,) = (path for path in (folder / "rnas.fa", folder / "sequences.fasta") if path.exists())
    table = {
        "cupid-filter": f"-f {rnas} --fasta-out kept.fa -o kept.tsv {folder / 'pairs.tsv'}",
        "cupid-split --strict": "-f kept.fa --by unseen-both --strict --seed 3 -o split.tsv kept.tsv",
        "cupid-augment": "-f kept.fa --fasta-out all.fa -o augmented.tsv split.tsv",
        "cupid-negatives": "-f all.fa --per-positive 5 -o dataset.tsv augmented.tsv",
        "cupid-embed": "-o mini.npy all.fa",
        "cupid-embed --encoder kmer": "-o all.npy all.fa",
        "intarna-compare": "--engine seed --jobs 1 -f all.fa --splits valid,test -o energies.tsv dataset.tsv",
    }
    for name in CLASSIFIERS:
        table[f"cupid-train --classifier {name}"] = f"--classifier {name} -f all.fa -o {name}.safetensors dataset.tsv"
    table["cupid-train --classifier mlp"] = "--classifier mlp -e all.npy -o mlp.safetensors dataset.tsv"
    for name in CLASSIFIERS:
        table[f"cupid-score, {name}"] = f"-m {name}.safetensors -f all.fa -o scores-{name}.tsv energies.tsv"
    table["cupid-score, mlp"] = "-m mlp.safetensors -e all.npy -o scores-mlp.tsv energies.tsv"
    table["cupid-explain"] = "-m blend.safetensors -f kept.fa -o explanations kept.tsv"
    table["cupid-evaluate"] = "-f kept.fa -o report scores-blend.tsv scores-mlp.tsv"
    reproduce = "--encoder kmer --engine seed --variants AVG --per-positive 5 --epochs 5"
    table["cupid-reproduce, one variant, 5 epochs"] = f"mirinter-trans -f kept.fa {reproduce} -o reproduction kept.tsv"
    table["cupid-pretrain --recipe mini, 1 epoch"] = "--recipe mini --epochs 1 -o encoder.safetensors kept.fa"
    table["cupid-embed --encoder own:FILE"] = "--encoder own:encoder.safetensors -o own.npy kept.fa"
    network = "--epochs 1 --warmup-epochs 0 -o network.safetensors"
    table["cupid-classify train, network, 1 epoch"] = f"train -f kept.fa {network}"
    for name in ("logistic", "boosting"):
        types = f"types-{name}.safetensors"
        table[f"cupid-classify train, {name}"] = f"train --method {name} -e own.npy -f kept.fa -o {types}"
    table["cupid-classify predict, network"] = "predict -m network.safetensors -f kept.fa -o types.tsv"
    return table


def main() -> None:
    """Run all commands, and print a table for the README."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "test-data")
    folder = parser.parse_args().folder.resolve()
    os.environ["OMP_NUM_THREADS"] = "1"
    print("| command | seconds | of a core | MiB at the peak |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory() as work:
        for name, arguments in commands(folder).items():
            program = name.replace(",", "").split()[0]
            cost = run([BIN / program, *arguments.split(), "--quiet"], cwd=Path(work))
            print(f"| `{name}` | {cost.seconds:.1f} | {cost.cpu:.1f} | {cost.peak_mib:,.0f} |", flush=True)


if __name__ == "__main__":
    main()
