"""GenerRNA (Zhao et al. 2024, https://doi.org/10.1371/journal.pone.0310814) through ``transformers.GPT2Model``.

The network is nanoGPT's form of GPT-2, with the exact GELU. As published by ncRNA-CUPID an RNA is read without tokens
for its begin and end, and one of more than 1024 tokens by its last 1024.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from transformers import GPT2Config, GPT2Model

from cupid_tools.errors import InputError, UsageError
from cupid_tools.models.encoders.base import Encoder
from cupid_tools.models.encoders.conversion import check_tensors, expected_tensors, float_tensors, positive_sizes
from cupid_tools.models.encoders.language_model import LanguageModel, Tokens, build_encoder
from cupid_tools.models.encoders.memory import LayerSizes
from cupid_tools.models.encoders.packed import PACKED, Groups, positions
from cupid_tools.models.encoders.settings import TRANSFORMERS, EncoderSettings
from cupid_tools.models.encoders.tokenizers import encode, read_tokenizer
from cupid_tools.models.weights.library import Weights, load
from cupid_tools.vocab import NUCLEOTIDES

_SIZES = {  # transformers' name -> nanoGPT's
    "n_layer": "n_layer",
    "n_head": "n_head",
    "n_embd": "n_embd",
    "n_positions": "block_size",
    "vocab_size": "vocab_size",
}
_TRANSPOSED = ("attn.c_attn.weight", "attn.c_proj.weight", "mlp.c_fc.weight", "mlp.c_proj.weight")
"""nanoGPT's are those of Linear, transformers' those of Conv1D."""
_PREFIXES = ("_orig_mod.", "transformer.")
_UNUSED = ("lm_head.weight", ".attn.bias", ".attn.masked_bias")
"""Ends of the names of the output layer, which repeats the embeddings, and of attention masks of old versions."""


def create(settings: EncoderSettings) -> Encoder:
    """The encoder ``generrna``."""
    if settings.implementation != TRANSFORMERS:
        raise UsageError("--implementation reference is for encoder rnafm (GenerRNA has no package)")
    weights, fingerprint = load("generrna", settings.weights_dir)
    return build_encoder("generrna", fingerprint, settings, lambda: GenerRna(weights))


def convert(checkpoint: Mapping[str, Any], source: str, tokenizer: str | None) -> Weights:
    """Rename the tensors of a published checkpoint.

    Args:
        checkpoint: ``model_args``, the sizes, and ``model``, the state of the network.
        source: its file, for messages.
        tokenizer: text of the ``tokenizer.json`` published with it.

    Raises:
        InputError: it is the checkpoint of another model, tensors are missing, too many, or not of their shape, or the
            tokenizer belongs to another model.
        UsageError: there is no tokenizer.
    """
    sizes, state = checkpoint.get("model_args"), checkpoint.get("model")
    if not isinstance(sizes, Mapping) or not isinstance(state, Mapping):
        raise InputError(source, "is not a GenerRNA checkpoint", hint="it has no model and model_args")
    if tokenizer is None:
        raise UsageError("GenerRNA needs the tokenizer.json published with it (give --tokenizer)")
    config = _config(sizes, source)
    plain = {_plain(name): tensor for name, tensor in float_tensors(state, source)}
    tensors = {
        name: tensor.mT.contiguous() if name.endswith(_TRANSPOSED) and tensor.dim() == 2 else tensor
        for name, tensor in plain.items()
        if not name.endswith(_UNUSED)
    }
    biases = config.pop("bias")
    expected = expected_tensors(lambda: _network(config, "meta"), config["n_layer"], len(tensors), source)
    if not biases:  # nanoGPT leaves out what transformers always has
        lacking = (name for name in expected if name.endswith(".bias") and name not in tensors)
        tensors |= {name: torch.zeros(expected[name].shape) for name in lacking}
    check_tensors(tensors, expected, source)
    check_tokenizer(tokenizer, config["vocab_size"], source)
    return Weights(tensors=tensors, config=config, tokenizer=tokenizer)


class GenerRna(LanguageModel):
    """The network in transformers, on packed sequences."""

    keep_last = True
    causal = True

    def __init__(self, weights: Weights) -> None:
        super().__init__()
        self.network = _network(weights.config, "meta").to_empty(device="cpu")
        self.network.load_state_dict(weights.tensors, assign=True)
        self.dim = int(weights.config["n_embd"])
        self.context = int(weights.config["n_positions"])
        self.sizes = LayerSizes(self.dim, 4 * self.dim, int(weights.config["n_head"]))
        self._tokenizer = read_tokenizer(weights.tokenizer or "", "the tokenizer of GenerRNA")

    def tokenize(self, sequences: Sequence[str]) -> list[Tokens]:
        """Byte pairs: one token for some four nucleotides."""
        return encode(self._tokenizer, sequences)

    def forward(self, tokens: Tensor, groups: Groups) -> Tensor:
        """States after the last norm: [T] -> [T, dim]."""
        place = positions(groups, 0, tokens.device)
        outcome = self.network(input_ids=tokens[None], position_ids=place, groups=groups, use_cache=False)
        states: Tensor = outcome.last_hidden_state[0]
        return states


def check_tokenizer(text: str, vocabulary: int, source: str) -> None:
    """Raise InputError unless the tokenizer has *vocabulary* tokens and reads every nucleotide."""
    tokenizer = read_tokenizer(text, source)
    size = tokenizer.get_vocab_size()
    if size != vocabulary:
        raise InputError(source, f"has {vocabulary:,} tokens, and the tokenizer {size:,}", hint="they do not belong")
    if [found.nucleotides for found in encode(tokenizer, NUCLEOTIDES)] != [1] * 4:
        raise InputError(source, "its tokenizer does not read A, C, G and U", hint="it is not that of an RNA model")


def _network(config: Mapping[str, Any], device: str) -> GPT2Model:
    fixed: dict[str, Any] = {
        "activation_function": "gelu",  # the exact one; "gelu_new" is GPT-2's approximation
        "layer_norm_epsilon": 1e-5,
        "resid_pdrop": 0.0,
        "embd_pdrop": 0.0,
        "attn_pdrop": 0.0,
        "bos_token_id": None,
        "eos_token_id": None,
        "attn_implementation": PACKED,
    }
    with torch.device(device):
        return GPT2Model(GPT2Config(**config, **fixed))


def _config(sizes: Mapping[str, Any], source: str) -> dict[str, Any]:
    return positive_sizes(_SIZES, sizes, "model_args", source) | {"bias": bool(sizes.get("bias", True))}


def _plain(name: str) -> str:
    for prefix in _PREFIXES:
        name = name.removeprefix(prefix)
    return name
