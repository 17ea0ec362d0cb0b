#!/usr/bin/env bash
# Write the versions and hashes that images install, from setup.cfg and constraints.txt:  containers/lock.sh [UV]
#   requirements/app.txt    what cupid-tools needs, without torch
#   requirements/gpu.txt    torch with CUDA, and its libraries
#   requirements/cpu.txt    torch without; its index is an argument of the build, so it has a version and no hash
#   requirements/build.txt  what builds the package and writes the bill of materials, and stays behind
set -euo pipefail
cd "$(dirname "$0")/.."
uv=${1:-uv}
out=containers/requirements
of_torch='^(torch|triton|nvidia-[^=]*|cuda-[^=]*)=='
trap 'rm -f "$out/all.txt"' EXIT

lock() {
    "$uv" pip compile --quiet --python-platform x86_64-manylinux_2_28 --python-version 3.11 --generate-hashes \
        --no-header --no-annotate "$@"
}
# The requirements, each with its hashes, that are of torch (1) or not (0).
blocks() { awk -v expression="$of_torch" -v want="$1" '/^[^ ]/ { keep = ($0 ~ expression) == want } keep' "$out/all.txt"; }

lock --constraint constraints.txt --output-file "$out/all.txt" setup.cfg
blocks 0 >"$out/app.txt"
blocks 1 >"$out/gpu.txt"
grep -o '^torch==[^ ]*' "$out/gpu.txt" >"$out/cpu.txt"
lock --constraint constraints.txt --output-file "$out/build.txt" containers/requirements/build.in
