"""RNA-FM (Chen et al. 2022, https://doi.org/10.48550/arXiv.2204.00300) through ``transformers.EsmModel``.

The network is ESM-1b's: layers with the norm first, learned positions, a norm before and after the stack.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from transformers import EsmConfig, EsmModel

from cupid_tools.errors import InputError, UsageError
from cupid_tools.models.encoders.base import Encoder
from cupid_tools.models.encoders.conversion import check_tensors, expected_tensors, float_tensors, positive_sizes
from cupid_tools.models.encoders.language_model import LanguageModel, Tokens, build_encoder, tokens_of_letters
from cupid_tools.models.encoders.memory import LayerSizes
from cupid_tools.models.encoders.packed import PACKED, Groups, positions, unpacked
from cupid_tools.models.encoders.settings import AUTO, FP32, TRANSFORMERS, EncoderSettings
from cupid_tools.models.weights.library import Weights, load

_LETTERS = "ACGURYKMSWBDHVN-"
_CLS, _PAD, _EOS, _UNKNOWN, _FIRST_LETTER, _MASK = 0, 1, 2, 3, 4, 24
_FIRST_POSITION = _PAD + 1
VOCABULARY = _MASK + 1

_TABLE = np.full(256, _UNKNOWN, dtype=np.int64)
_TABLE[np.frombuffer(_LETTERS.encode(), dtype=np.uint8)] = np.arange(_FIRST_LETTER, _FIRST_LETTER + len(_LETTERS))

_SIZES = {  # transformers' name -> the checkpoint's, without "encoder_"
    "num_hidden_layers": "layers",
    "hidden_size": "embed_dim",
    "intermediate_size": "ffn_embed_dim",
    "num_attention_heads": "attention_heads",
    "max_position_embeddings": "max_positions",
}
_LAYER_NAMES = {  # the checkpoint's -> transformers'
    "self_attn.q_proj": "attention.self.query",
    "self_attn.k_proj": "attention.self.key",
    "self_attn.v_proj": "attention.self.value",
    "self_attn.out_proj": "attention.output.dense",
    "self_attn_layer_norm": "attention.LayerNorm",
    "fc1": "intermediate.dense",
    "fc2": "output.dense",
    "final_layer_norm": "LayerNorm",
}
_TOP_NAMES = {
    "embed_tokens": "embeddings.word_embeddings",
    "embed_positions": "embeddings.position_embeddings",
    "emb_layer_norm_before": "embeddings.layer_norm",
    "emb_layer_norm_after": "encoder.emb_layer_norm_after",
}
_HEADS = ("lm_head.", "contact_head.")
"""Prefixes of tensors that predict letters and contacts, which embeddings do not need."""


def create(settings: EncoderSettings) -> Encoder:
    """The encoder ``rnafm``: the same network in transformers, or the authors' package, which computes in float32.

    Raises:
        UsageError: the package is asked for another precision.
    """
    weights, fingerprint = load("rnafm", settings.weights_dir)
    if settings.implementation == TRANSFORMERS:
        return build_encoder("rnafm", fingerprint, settings, lambda: RnaFm(weights))
    if settings.precision not in (AUTO, FP32):
        words = f"--precision {settings.precision} is for --implementation transformers"
        raise UsageError(f"{words} (leave one of them out)")
    settings = replace(settings, precision=FP32)
    return build_encoder("rnafm", fingerprint, settings, lambda: ReferenceRnaFm(weights))


def convert(checkpoint: Mapping[str, Any], source: str, tokenizer: str | None) -> Weights:
    """Rename the tensors of a published checkpoint.

    Args:
        checkpoint: ``args``, an ``argparse.Namespace``, and ``model``, the state of the network.
        source: its file, for messages.
        tokenizer: None; RNA-FM's alphabet is fixed.

    Raises:
        InputError: it is the checkpoint of another model, or tensors are missing, too many, or not of their shape.
    """
    if tokenizer is not None:
        raise UsageError("RNA-FM has no tokenizer of its own (leave --tokenizer out)")
    args, state = checkpoint.get("args"), checkpoint.get("model")
    if not isinstance(args, argparse.Namespace) or getattr(args, "arch", None) != "roberta_large":
        raise InputError(source, "is not an RNA-FM checkpoint", hint="it has no args with arch roberta_large")
    if not isinstance(state, Mapping):
        raise InputError(source, "is not an RNA-FM checkpoint", hint="it has no model")
    plain = {name.removeprefix("encoder_"): value for name, value in vars(args).items()}
    tensors = {_renamed(key): tensor for key, tensor in float_tensors(state, source) if not _is_head(key)}
    config = _config(plain, source) | {"emb_layer_norm_before": "embeddings.layer_norm.weight" in tensors}
    expected = expected_tensors(lambda: _network(config, "meta"), config["num_hidden_layers"], len(tensors), source)
    check_tensors(tensors, expected, source)
    tensors["embeddings.word_embeddings.weight"] = tensors["embeddings.word_embeddings.weight"].clone()
    tensors["embeddings.word_embeddings.weight"][_MASK] = 0  # as the authors' loader does
    return Weights(tensors=tensors, config=config, tokenizer=None)


class _Letters(LanguageModel):
    """What both implementations share: one token a nucleotide, between two special ones."""

    head = (_CLS,)
    tail = (_EOS,)

    def __init__(self, config: Mapping[str, Any], copies: int) -> None:
        """Take the sizes from *config*; *copies* as in ``LayerSizes``."""
        super().__init__()
        self.dim = int(config["hidden_size"])
        self.context = int(config["max_position_embeddings"]) - _FIRST_POSITION - self.special
        self.sizes = LayerSizes(self.dim, config["intermediate_size"], config["num_attention_heads"], copies)

    def tokenize(self, sequences: Sequence[str]) -> list[Tokens]:
        """One token a nucleotide."""
        return letter_tokens(sequences)


class RnaFm(_Letters):
    """The network in transformers, on packed sequences."""

    def __init__(self, weights: Weights) -> None:
        super().__init__(weights.config, copies=1)
        self.network = _network(weights.config, "meta").to_empty(device="cpu")
        self.network.load_state_dict(weights.tensors, assign=True)

    def forward(self, tokens: Tensor, groups: Groups) -> Tensor:
        """States after the last norm: [T] -> [T, dim]."""
        place = positions(groups, _FIRST_POSITION, tokens.device)
        states: Tensor = self.network(input_ids=tokens[None], position_ids=place, groups=groups).last_hidden_state[0]
        return states


class ReferenceRnaFm(_Letters):
    """The authors' package ``rna-fm`` itself, sequences of one length at a time."""

    def __init__(self, weights: Weights) -> None:
        super().__init__(weights.config, copies=2)
        self.network = _authors_network(weights)
        self._layers = int(weights.config["num_hidden_layers"])

    def forward(self, tokens: Tensor, groups: Groups) -> Tensor:
        """States after the last norm: [T] -> [T, dim]."""
        last = self._layers
        states = [
            self.network(part, repr_layers=[last])["representations"][last].flatten(0, 1)
            for part in unpacked(tokens, groups)
        ]
        return torch.cat(states)


def letter_tokens(sequences: Sequence[str]) -> list[Tokens]:
    """One token a nucleotide, without ``<cls>`` and ``<eos>``, for each RNA."""
    ids = _TABLE[np.frombuffer("".join(sequences).encode("ascii"), dtype=np.uint8)]
    return tokens_of_letters(ids, sequences)


class _Intermediate(nn.Module):
    """The first half of a feed-forward block, with the exact GELU in place: as ESM's own, and several times as fast."""

    def __init__(self, dense: nn.Module) -> None:
        super().__init__()
        self.dense = dense

    def forward(self, states: Tensor) -> Tensor:
        activated: Tensor = torch.ops.aten.gelu_(self.dense(states))
        return activated


def _network(config: Mapping[str, Any], device: str) -> EsmModel:
    fixed: dict[str, Any] = {
        "vocab_size": VOCABULARY,
        "pad_token_id": _PAD,
        "mask_token_id": _MASK,
        "layer_norm_eps": 1e-5,
        "position_embedding_type": "absolute",
        "hidden_dropout_prob": 0.0,
        "attention_probs_dropout_prob": 0.0,
        "attn_implementation": PACKED,
    }
    with torch.device(device):
        network = EsmModel(EsmConfig(**config, **fixed), add_pooling_layer=False)
    del network.contact_head  # not part of an embedding
    layers: Any = network.encoder.layer
    for layer in layers:
        layer.intermediate = _Intermediate(layer.intermediate.dense)
    return network


def _config(args: Mapping[str, Any], source: str) -> dict[str, Any]:
    sizes = positive_sizes(_SIZES, args, "args", source)
    sizes["max_position_embeddings"] += _FIRST_POSITION
    return sizes | {"token_dropout": bool(args.get("token_dropout", False))}


def _plain(key: str) -> str:
    return key.removeprefix("encoder.").removeprefix("sentence_encoder.")


def _is_head(key: str) -> bool:
    return _plain(key).startswith(_HEADS)


def _renamed(key: str) -> str:
    """A checkpoint's name of a tensor -> transformers'; unknown names stay as they are."""
    module, _, kind = _plain(key).rpartition(".")
    inside = re.fullmatch(r"layers\.(\d+)\.(.+)", module)
    if inside and inside[2] in _LAYER_NAMES:
        return f"encoder.layer.{inside[1]}.{_LAYER_NAMES[inside[2]]}.{kind}"
    return f"{_TOP_NAMES[module]}.{kind}" if module in _TOP_NAMES else _plain(key)


def _authors_network(weights: Weights) -> nn.Module:
    import fm

    sizes = {theirs: weights.config[ours] for ours, theirs in _SIZES.items()}
    sizes["max_positions"] -= _FIRST_POSITION
    args = argparse.Namespace(
        arch="roberta_large",
        emb_layer_norm_before=weights.config["emb_layer_norm_before"],
        token_dropout=weights.config["token_dropout"],
        **sizes,
    )
    network: nn.Module = fm.BioBertModel(args, fm.Alphabet.from_architecture("roberta_large", theme="rna"))
    ours = {key: _renamed(key) for key in network.state_dict() if not _is_head(key)}
    network.load_state_dict({key: weights.tensors[name] for key, name in ours.items()}, strict=False)
    return network
