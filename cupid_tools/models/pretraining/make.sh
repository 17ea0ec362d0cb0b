#!/usr/bin/env bash
# How mini.safetensors is made, in a clone of the repository with the executables on the PATH:  make.sh DATA
# DATA is what benchmarks/encoder_data.py reads. A run that was killed goes on when it is called again.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

python "$here/../../../benchmarks/encoder_data.py" --data "$1" -o "$work"
# One thread: more gain little on sequences of many lengths, and change the last bits.
OMP_NUM_THREADS=1 cupid-pretrain --recipe mini --types "$work/pretrain_families.tsv" --threads 1 \
    -o "$here/mini.safetensors" "$work/pretrain.fa"
