#!/usr/bin/env bash
# Run every tool that computes on nucleotides, so that the machine code of its loops lies beside the installed package:
#   containers/compile.sh TEST-DATA
set -euo pipefail
data=$(cd "$1" && pwd)
cd "$(mktemp -d)"
trap 'rm -rf "$PWD"' EXIT
export PYTHONDONTWRITEBYTECODE= # numba's files lie in __pycache__, which need not be there yet

cupid-filter --fasta "$data/rnas.fa" --fasta-out rnas.fa "$data/pairs.tsv" |
    cupid-split --fasta rnas.fa --by unseen-both --strict --seed 3 |
    cupid-negatives --fasta rnas.fa --per-positive 2 |
    intarna-compare --engine seed --shuffles 2 --fasta rnas.fa -o pairs.tsv
# One pair is an array of another kind than several.
head -n 2 pairs.tsv >pair.tsv
for classifier in blend boosting duplex seed-lr; do
    cupid-train --classifier "$classifier" --fasta rnas.fa -o "$classifier.safetensors" pairs.tsv
    cupid-score -m "$classifier.safetensors" --fasta rnas.fa -o "$classifier.tsv" pairs.tsv
    cupid-score -m "$classifier.safetensors" --fasta rnas.fa -o one.tsv pair.tsv
    cupid-explain -m "$classifier.safetensors" --fasta rnas.fa --top 2 -o "$classifier.explained" pairs.tsv
done
intarna-compare --engine seed --fasta rnas.fa -o one.tsv pair.tsv
head -n 4 rnas.fa >queries.fa
cupid-score -m builtin --queries queries.fa --targets rnas.fa --shuffles 2 -o ranked.tsv
cupid-score -m builtin --queries queries.fa --targets queries.fa -o one.tsv
cupid-score -m builtin:duplex --queries queries.fa --targets rnas.fa -o ranked.tsv
cupid-evaluate --bootstrap 2 --fasta rnas.fa -o report blend.tsv
