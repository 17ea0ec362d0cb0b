#!/usr/bin/env bash
# The whole suite on a small real set, by the executables alone:  test-data/demo.sh [FOLDER]
# Twice: with pairs split at random, as is published, and with both RNAs of every test pair unseen and unrelated. Each
# time with the classifier that reads sequences, and with the published net on embeddings.
set -euo pipefail

data=$(cd "$(dirname "$0")" && pwd)
out=${1:-demo-output}
mkdir -p "$out"

say() { printf '\n== %s\n' "$*" >&2; }

say "Keep the RNAs that the encoder can read"
cupid-filter --fasta "$data/rnas.fa" --recipe mirinter-trans --fasta-out "$out/kept.fa" -o "$out/kept.tsv" "$data/pairs.tsv"

# On so small a set few seeds leave room in valid and test for 5 negatives a positive; 3 is the first.
for design in "random --by random" "strict --by unseen-both --strict --seed 3"; do
    read -r name split <<<"$design"
    say "$name: split, augment, draw negatives, interaction energies"
    # shellcheck disable=SC2086  # several options in one word
    cupid-split --fasta "$out/kept.fa" $split "$out/kept.tsv" |
        cupid-augment --fasta "$out/kept.fa" --fasta-out "$out/$name.fa" |
        cupid-negatives --fasta "$out/$name.fa" --per-positive 5 |
        intarna-compare --engine seed --fasta "$out/$name.fa" --splits valid,test -o "$out/$name.dataset.tsv"
    say "$name: the default classifier reads sequences"
    cupid-train --fasta "$out/$name.fa" --curves "$out/$name.curves.tsv" -o "$out/$name.safetensors" "$out/$name.dataset.tsv"
    cupid-score -m "$out/$name.safetensors" --fasta "$out/$name.fa" -o "$out/$name.tsv" "$out/$name.dataset.tsv"
    say "$name: the published net reads embeddings"
    cupid-embed -o "$out/$name.embeddings.npy" "$out/$name.fa"
    cupid-train --classifier mlp -e "$out/$name.embeddings.npy" --epochs 15 --curves "$out/$name-net.curves.tsv" \
        -o "$out/$name-net.safetensors" "$out/$name.dataset.tsv"
    cupid-score -m "$out/$name-net.safetensors" -e "$out/$name.embeddings.npy" -o "$out/$name-net.tsv" "$out/$name.dataset.tsv"
done

say "Explain the best pairs"
cupid-explain --quiet -m "$out/strict.safetensors" --fasta "$out/kept.fa" --top 5 -o "$out/explanations" "$out/kept.tsv"

say "Judge"
names=(random random-net strict strict-net)
cupid-evaluate --quiet --fasta "$out/kept.fa" --explanations "$out/explanations" \
    $(printf -- "--curves $out/%s.curves.tsv " "${names[@]}") -o "$out/report" $(printf -- "$out/%s.tsv " "${names[@]}")

printf '\nrandom: pairs split at random, as is published. strict: RNAs that are unseen and unrelated.\n'
printf 'Each with the classifier that reads sequences, and (-net) with the published net on embeddings of mini, the encoder that comes with the tools.\n\n'
cat "$out/report/in-words.txt"
printf '\nThe numbers: %s\n' "$out/report/summary.txt"
printf 'Open the report in a browser: %s\n' "$out/report/report.html"
