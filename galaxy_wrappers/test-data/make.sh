#!/usr/bin/env bash
# Makes the files of this folder that tools wrote, from rnas.fa and pairs.tsv, which are copies of those of ../../test-data.
set -euo pipefail
cd "$(dirname "$0")"

cp ../../test-data/rnas.fa ../../test-data/pairs.tsv .
cupid-filter --quiet -f rnas.fa --max-length 550 --fasta-out kept.fa -o kept.tsv pairs.tsv
cupid-split --quiet -f kept.fa -o split.tsv kept.tsv
cupid-negatives --quiet -f kept.fa --per-positive 2 -o dataset.tsv split.tsv
cupid-train --quiet -f kept.fa --classifier seed-lr -o seed-lr.safetensors dataset.tsv
cupid-embed --quiet --encoder kmer -o vectors.npy kept.fa
cupid-train --quiet -e vectors.npy --epochs 3 --hidden-size 8 --curves curves.tsv -o net.safetensors dataset.tsv
cupid-score --quiet -m seed-lr.safetensors -f kept.fa -o scores.tsv dataset.tsv

# A type, and groups of relatives, that the headers do not tell.
awk -F '[> ]' 'BEGIN {print "id\ttype"} /type=miRNA/ && n++ < 20 {print $2 "\tmarked"}' kept.fa > types.tsv
awk -F '[> ]' 'BEGIN {print "id\tgroup"} /^>/ {print $2 "\t" substr($3, 6) "-" int(NR / 10)}' kept.fa > groups.tsv
cupid-augment --quiet -f kept.fa --how swap --splits train,valid,test --fasta-out /dev/null -o augmented.tsv split.tsv
awk -F '[> ]' 'BEGIN {print "id\ttype"} /^>/ {print $2 "\t" substr($3, 6)}' kept.fa > all-types.tsv
printf '>example type=lncRNA\nACGUNACGU\n' > ambiguous.fa
# A recipe that is quick: k-mers, a small net, few epochs and negatives, shorter RNAs.
sed -e 's/^max_length = 1022/max_length = 550/' -e 's/^name = "rnafm"/name = "kmer"/' \
    -e 's/^hidden_size = 1024/hidden_size = 16/' -e 's/^epochs = 50/epochs = 2/' -e 's/^per_positive = 20/per_positive = 2/' \
    -e 's/^engine = "intarna"/engine = "seed"/' ../../cupid_tools/recipes/mirinter-trans.toml > recipe.toml
# Settings of a small encoder, which learns in seconds, and what is compared.
sed -e 's/^architecture = "autoencoder"/architecture = "masked"/' -e 's/^width = 160/width = 16/' -e 's/^layers = 4/layers = 1/' \
    -e 's/^heads = 8/heads = 2/' -e 's/^max_length = 205/max_length = 400/' -e 's/^epochs = 10/epochs = 1/' -e '/^\[variants\]/,$d' \
    ../../cupid_tools/recipes/pretraining/rna-transformer.toml > pretraining.toml
printf '[variants]\nnucleotides = ["random", "chemical"]\n' >> pretraining.toml
cupid-pretrain --quiet --recipe pretraining.toml -o encoder.safetensors kept.fa
cupid-classify train --quiet -f kept.fa --width 16 --layers 1 --heads 2 --max-length 200 --epochs 2 -o types-network.safetensors
cupid-classify train --quiet -e vectors.npy -f kept.fa -o types-logistic.safetensors

head -n 6 kept.tsv > few.tsv
: > empty.tsv
awk -F '[> ]' 'BEGIN {print "id\tgene"} /^>/ {print $2 "\tgene-of-" $2}' kept.fa > genes.tsv
intarna-compare --quiet -f kept.fa --engine seed scores.tsv | cut -f 1-9 > energies.tsv
cupid-explain --quiet -m seed-lr.safetensors -f kept.fa --top 1 -o explanations dataset.tsv
rm explanations/index.html explanations/*.tsv
for type in miRNA lncRNA; do
    cupid-filter --quiet -f kept.fa --rnas-only --rna-types "$type" -o "${type,,}s.fa"
done

# Language models with random weights, as small as such a model can be.
rm -rf tiny_encoder weights
PYTHONPATH=../.. python - <<'END'
from pathlib import Path

from tests.language_models import generrna_tokenizer, save_generrna, save_huggingface, save_rnafm

save_huggingface("tiny_encoder")
Path("tiny_encoder/model.safetensors").chmod(0o644)
save_rnafm("RNA-FM_tiny.pth", layers=1, embed_dim=8, ffn_embed_dim=16, attention_heads=2, max_positions=64)
save_generrna("GenerRNA_tiny.pt", n_layer=1, n_head=1, n_embd=4, block_size=16)
Path("tokenizer.json").write_text(generrna_tokenizer(), encoding="utf-8")
END
cupid-weights import --quiet --as rnafm --weights-dir weights RNA-FM_tiny.pth
rm weights/.rnafm.lock
cupid-embed --quiet --encoder rnafm --long window --overlap 30 --weights-dir weights -o windows.npy kept.fa
cupid-train --quiet -e windows.npy --epochs 1 --hidden-layers 1 --hidden-size 4 -o net-rnafm.safetensors dataset.tsv
cupid-classify train --quiet -e windows.npy -f kept.fa -o types-rnafm.safetensors
rm windows.npy windows.tsv
