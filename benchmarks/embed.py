"""RNA-FM by cupid-tools, and mini, beside the authors' package `rna-fm`: speed, deviation, and memory of a batch.

    python benchmarks/embed.py [FASTA] [--device cuda]

Both load the same checkpoint, of the published sizes with random weights, and turn the same RNAs from text into mean
vectors. The package runs in float32, at the batch size that suits it best, and sorted by length. The share is that of
the rate at which this machine multiplies matrices in the same precision. FASTA adds the lengths of a corpus. mini turns
fifty times as many RNAs of these lengths into vectors, so that its time can be told.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import fm
import numpy as np
import torch
from torch import nn
from train import wait

from cupid_tools.io.fasta import read_fasta
from cupid_tools.io.store import Vectors
from cupid_tools.models.encoders import load_encoder
from cupid_tools.models.encoders.base import Encoder
from cupid_tools.models.encoders.memory import measured_peak, peak_bytes
from cupid_tools.models.encoders.precision import DTYPES
from cupid_tools.models.encoders.rnafm import RnaFm
from cupid_tools.models.encoders.settings import BF16, FP16, FP32, INT8, EncoderSettings
from cupid_tools.models.encoders.windows import equal_runs
from cupid_tools.models.weights import library
from cupid_tools.models.weights.importing import import_weights

LENGTHS = (22, 100, 500, 1000)
LAYERS, WIDTH, FEED_FORWARD, HEADS, LONGEST = 12, 640, 5120, 20, 1022
PRECISIONS = {"cpu": (FP32, BF16, INT8), "cuda": (FP32, BF16, FP16)}
TOKENS = {"cpu": 4096, "cuda": 1 << 20}
"""Of one measurement; four times as many for the lengths of a corpus."""
BATCH = {"cpu": 1024, "cuda": 32768}
"""Tokens of the batch whose memory is measured."""
MORE = 50
"""For mini."""
THEIR_BUDGETS = {"cpu": (256, 1024, 2048), "cuda": (4096, 16384, 65536)}
"""Tokens, padding included, of the batches among which the package may choose."""
ROUNDS = (1, 2)


def save_checkpoint(path: Path) -> None:
    """Write a checkpoint in the format of the published one, with the weights that the package itself starts from."""
    torch.manual_seed(1)
    sizes = {"layers": LAYERS, "embed_dim": WIDTH, "ffn_embed_dim": FEED_FORWARD, "attention_heads": HEADS}
    common = {"arch": "roberta_large", "max_positions": 1024, "token_dropout": False, "final_bias": True}
    args = argparse.Namespace(**common, **sizes, emb_layer_norm_before=True)
    state = fm.BioBertModel(args, fm.Alphabet.from_architecture(args.arch, theme="rna")).state_dict()
    named = {
        f"encoder.{name}" if name.startswith("lm_head.") else f"encoder.sentence_encoder.{name}": tensor
        for name, tensor in state.items()
        if not name.startswith("contact_head.")
    }
    published = argparse.Namespace(**common, **{f"encoder_{name}": size for name, size in sizes.items()})
    torch.save({"args": published, "model": named}, path)


class Package:
    """The authors' network and alphabet, as their README uses them."""

    def __init__(self, checkpoint: Path, device: torch.device) -> None:
        with torch.serialization.safe_globals([argparse.Namespace]):
            network, self.alphabet = fm.pretrained.load_model_and_alphabet_local(checkpoint, theme="rna")
        self.network: nn.Module = network.eval().to(device)
        self.device = device

    def embed(self, sequences: Sequence[str], budget: int) -> Vectors:
        """Mean vectors, with batches of *budget* tokens."""
        order = sorted(range(len(sequences)), key=lambda row: len(sequences[row]))
        vectors = np.empty((len(sequences), WIDTH), dtype=np.float32)
        for rows in self._batches([len(sequences[row]) + 2 for row in order], order, budget):
            vectors[rows] = self._means([sequences[row] for row in rows])
        return vectors

    def _batches(self, lengths: Sequence[int], order: Sequence[int], budget: int) -> list[list[int]]:
        batches: list[list[int]] = [[]]
        for length, row in zip(lengths, order, strict=True):
            if batches[-1] and (len(batches[-1]) + 1) * length > budget:
                batches.append([])
            batches[-1].append(row)
        return batches

    @torch.inference_mode()
    def _means(self, sequences: Sequence[str]) -> Vectors:
        convert = self.alphabet.get_batch_converter()
        _, _, tokens = convert([("", sequence) for sequence in sequences])
        states = self.network(tokens.to(self.device), repr_layers=[LAYERS])["representations"][LAYERS]
        means = [row[1 : len(sequence) + 1].mean(dim=0) for row, sequence in zip(states, sequences, strict=True)]
        return np.asarray(torch.stack(means).cpu().numpy())


def product_rate(precision: str, device: torch.device) -> float:
    """Operations a second of 2048 x 2048 matrix products, the best of five."""
    if precision == INT8:
        a, b = torch.randint(-127, 128, (2, 2048, 2048), dtype=torch.int8, device=device)
        product: Callable[[], object] = lambda: torch._int_mm(a, b)  # noqa: E731
    else:
        a, b = torch.randn(2, 2048, 2048, device=device).to(DTYPES[precision])
        product = lambda: a @ b  # noqa: E731
    return 2 * 2048**3 / min(seconds(lambda: [product() for _ in range(4)], device) / 4 for _ in range(5))


def seconds(work: Callable[[], object], device: torch.device) -> float:
    """Wall time."""
    wait(device)
    start = time.perf_counter()
    work()
    wait(device)
    return time.perf_counter() - start


def operations(lengths: Sequence[int]) -> int:
    """Of the network's matrix products, for sequences of these lengths in tokens."""
    linear = 2 * (4 * WIDTH**2 + 2 * WIDTH * FEED_FORWARD)
    return LAYERS * sum(length * (linear + 4 * length * WIDTH) for length in lengths)


def compare(
    label: str,
    sequences: Sequence[str],
    more: Sequence[str],
    package: Package,
    ours: dict[str, Encoder],
    minis: dict[str, Encoder],
) -> None:
    """Print tokens a second, ratios, shares and deviations, in every round; of mini for *more* sequences."""
    device = package.device
    lengths = [len(sequence) + 2 for sequence in sequences]
    budget = best_budget(package, sequences[:: max(1, sum(lengths) // max(THEIR_BUDGETS[device.type]))])
    for turn in ROUNDS:
        start = time.perf_counter()
        theirs = package.embed(sequences, budget)
        base = time.perf_counter() - start
        print(
            f"{turn}  {label:>6}  rna-fm  {sum(lengths) / base:9,.0f} tokens/s, batches of {budget} tokens", flush=True
        )
        exact = ours[FP32].embed(sequences)
        assert cosine(exact, theirs) > 0.999999, "not the vectors of the package"
        for precision, encoder in ours.items():
            rate = product_rate(precision, device)
            start = time.perf_counter()
            vectors = encoder.embed(sequences)
            spent = time.perf_counter() - start
            rate = max(rate, product_rate(precision, device))
            print(
                f"{turn}  {label:>6}  {precision:6}  {sum(lengths) / spent:9,.0f} tokens/s, "
                f"{base / spent:5.2f} x rna-fm, {operations(lengths) / spent / rate:4.0%} of {rate / 1e9:,.0f} G/s, "
                f"least cosine {cosine(vectors, exact):.6f}, largest difference {np.abs(vectors - exact).max():.1e}",
                flush=True,
            )

        found: dict[str, Vectors] = {}
        for precision, encoder in minis.items():
            encoder.embed(more[:100])  # to warm up
            start = time.perf_counter()
            found[precision] = encoder.embed(more)
            rate = sum(len(sequence) + 2 for sequence in more) / (time.perf_counter() - start)
            print(
                f"{turn}  {label:>6}  mini {precision:6}  {rate:9,.0f} tokens/s, {rate * base / sum(lengths):5.0f} x "
                f"rna-fm, least cosine {cosine(found[precision], found[FP32]):.6f}",
                flush=True,
            )


def best_budget(package: Package, sequences: Sequence[str]) -> int:
    """The tokens of a batch with which the package is fastest."""
    package.embed(sequences[:8], 1)  # to warm up
    budgets = THEIR_BUDGETS[package.device.type]
    times = [seconds(lambda budget=budget: package.embed(sequences, budget), package.device) for budget in budgets]
    return budgets[int(np.argmin(times))]


def cosine(a: Vectors, b: Vectors) -> float:
    """The least of all rows."""
    norms = np.linalg.norm(a.astype(np.float64), axis=1) * np.linalg.norm(b.astype(np.float64), axis=1)
    return float(((a.astype(np.float64) * b).sum(axis=1) / norms).min())


def compare_memory(ours: dict[str, Encoder], network: RnaFm, device: torch.device) -> None:
    """Print what a batch was predicted to need, and what it needed."""
    for length in LENGTHS:
        sequences = random_rnas(length, BATCH[device.type])
        groups = equal_runs([length + 2] * len(sequences))
        for precision, encoder in ours.items():
            predicted = peak_bytes(network.sizes, groups, precision, device)
            encoder.embed(sequences)
            measured = measured_peak(lambda e=encoder, s=sequences: e.embed(s), device)
            print(
                f"   {length:>6}  {precision:6}  memory of a batch: {predicted / 1e6:.1f} MB predicted, "
                f"{measured / 1e6:.1f} measured ({predicted / measured - 1:+.0%})",
                flush=True,
            )


def random_rnas(length: int, tokens: int) -> list[str]:
    """As many as have together at most *tokens*, with two special ones each."""
    letters = np.random.default_rng(length).choice(list("ACGU"), (tokens // (length + 2), length))
    return ["".join(row) for row in letters]


def corpus_rnas(fasta: str, tokens: int) -> list[str]:
    """RNAs spread over a file, about as many as have *tokens* together; without those above the context."""
    all_rnas = [rna.sequence for rna in read_fasta(fasta) if len(rna.sequence) <= LONGEST]
    return all_rnas[:: max(1, sum(map(len, all_rnas)) // tokens)]


def main() -> None:
    """Compare at each length, then for the corpus, then memory."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("fasta", nargs="?", metavar="FASTA")
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    args = parser.parse_args()
    device = torch.device(args.device)
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = Path(folder, "RNA-FM_pretrained.pth")
        save_checkpoint(checkpoint)
        import_weights("rnafm", [str(checkpoint)], weights_dir=folder, tokenizer=None, replace=False)
        package = Package(checkpoint, device)
        ours = {
            precision: load_encoder(
                "rnafm", EncoderSettings(precision=precision, device=args.device, weights_dir=folder)
            )
            for precision in PRECISIONS[device.type]
        }
        minis = {
            precision: load_encoder("mini", EncoderSettings(precision=precision, device=args.device))
            for precision in (FP32, BF16)
        }
        tokens = TOKENS[device.type]
        for length in LENGTHS:
            fewer, more = random_rnas(length, tokens), random_rnas(length, MORE * tokens)
            compare(f"{length} nt", fewer, more, package, ours, minis)
        if args.fasta:
            fewer, more = corpus_rnas(args.fasta, 4 * tokens), corpus_rnas(args.fasta, MORE * tokens)
            compare("corpus", fewer, more, package, ours, minis)
        compare_memory(ours, RnaFm(library.load("rnafm", folder)[0]), device)


if __name__ == "__main__":
    main()
