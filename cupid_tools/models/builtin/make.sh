#!/usr/bin/env bash
# How the models of this folder are made, with the executables on the PATH:  make.sh DATA
# DATA holds sequences.fasta and pairs.tsv (id_a, id_b, label) of the set that the card of mirna-lncrna names.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
data=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Only what was observed, since negatives are drawn; no RNA of valid has a relative in train.
awk -F '\t' 'NR == 1 || $3 == 1' "$data/pairs.tsv" |
    cupid-filter --fasta "$data/sequences.fasta" --max-length 100000 --fasta-out "$work/kept.fa" |
    cupid-split --fasta "$work/kept.fa" --by unseen-both --strict --test-fraction 0.1 --valid-fraction 0.25 |
    cupid-negatives --fasta "$work/kept.fa" --per-positive 5 --strategy degree-preserving >"$work/dataset.tsv"
cupid-train --classifier seed-lr --fasta "$work/kept.fa" -o "$here/mirna-lncrna.safetensors" "$work/dataset.tsv"
python -m cupid_tools.models.builtin.untrained "$here/duplex.safetensors"
