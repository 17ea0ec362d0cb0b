"""Any language model of RNAs in the format of Hugging Face, from a folder on disk.

What the folder must hold: ``config.json`` of an encoder-only or decoder-only architecture that transformers itself
knows, weights as safetensors, and a ``tokenizer.json`` that reads an RNA as plain letters. Nothing is fetched, no code
of the folder is run, and no pickle is read. RNAs are given in upper case with U, or with T where the tokenizer knows
no U.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from cupid_tools.errors import CupidError, InputError, MissingError, UsageError
from cupid_tools.io.streams import input_digest
from cupid_tools.models.device import is_out_of_memory
from cupid_tools.models.encoders.base import Encoder, SequenceError
from cupid_tools.models.encoders.language_model import LanguageModel, Tokens, build_encoder
from cupid_tools.models.encoders.memory import LayerSizes
from cupid_tools.models.encoders.packed import Groups, unpacked
from cupid_tools.models.encoders.settings import TRANSFORMERS, EncoderSettings
from cupid_tools.processors import check_memory
from cupid_tools.vocab import NUCLEOTIDES

_CONFIG, _TOKENIZER = "config.json", "tokenizer.json"
_IDENTITY = (_CONFIG, "tokenizer*.json", "special_tokens_map.json", "*.safetensors")
_OFFSET_POSITIONS = (
    *("esm", "roberta", "xlm-roberta", "xlm-roberta-xl", "roberta-prelayernorm", "camembert", "longformer"),
    *("mpnet", "ibert", "data2vec-text", "xmod", "luke"),
)
"""Architectures whose positions start after that of padding."""
_UNUSED = ("pooler.", "contact_head.")
"""Parts of networks that do not enter the last hidden state."""
_ABSURD_LENGTH = 10**7
"""Tokenizers without a limit name a huge one."""


def create(settings: EncoderSettings) -> Encoder:
    """The encoder ``hf:FOLDER``."""
    if settings.implementation != TRANSFORMERS:
        raise UsageError("--implementation reference is for encoder rnafm")
    if settings.path is None:
        raise UsageError("encoder hf needs a folder (write hf:FOLDER)")
    folder = Path(settings.path).expanduser()  # a shell leaves the ~ of hf:~/model as it is
    _check_folder(folder)
    size = sum(path.stat().st_size for path in folder.glob("*.safetensors"))
    check_memory(size, f"{folder} does not fit into memory")
    name = f"hf:{_config(folder).model_type}"  # the same wherever the folder lies
    return build_encoder(name, folder_fingerprint(folder), settings, lambda: HuggingFace(folder))


def folder_fingerprint(folder: Path) -> str:
    """SHA-256 over the names and digests of the files that make the model, in hexadecimal."""
    files = sorted({path for pattern in _IDENTITY for path in folder.glob(pattern)})
    return hashlib.sha256("\n".join(f"{path.name} {input_digest(path)}" for path in files).encode()).hexdigest()


class HuggingFace(LanguageModel):
    """A network of transformers, sequences of one length at a time: no padding, so no mask to get wrong."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        config = _config(folder)
        with _told(folder), _silent():
            from transformers import AutoModel, AutoTokenizer

            self._tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
            self.network, loading = AutoModel.from_pretrained(
                folder,
                config=config,
                dtype=torch.float32,
                local_files_only=True,
                trust_remote_code=False,
                use_safetensors=True,
                ignore_mismatched_sizes=True,  # they are told, and refused below
                output_loading_info=True,
            )
            self._check_loading(folder, loading)
            self.head, self.tail = self._special_tokens(folder)
            self._letters = self._translation(folder)
            self._check_vocabulary(folder)
            self.context = self._context(folder) - self.special
            self.dim = int(config.hidden_size)
            inside = getattr(config, "intermediate_size", None) or 4 * self.dim
            self.sizes = LayerSizes(self.dim, inside, int(getattr(config, "num_attention_heads", 1)))
        self.keep_last = self._tokenizer.truncation_side == "left"
        self.causal = any(getattr(module, "is_causal", False) for module in self.network.modules())

    def tokenize(self, sequences: Sequence[str]) -> list[Tokens]:
        """The tokens of each RNA, and the nucleotides of each token."""
        found = self._tokenizer(
            [sequence.translate(self._letters) for sequence in sequences],
            add_special_tokens=False,
            return_offsets_mapping=True,
            return_attention_mask=False,
            verbose=False,
        )
        tokens = []
        for index, (ids, spans) in enumerate(zip(found["input_ids"], found["offset_mapping"], strict=True)):
            self._check_known(index, sequences[index], ids, spans)
            lengths = np.array([end - start for start, end in spans], dtype=np.int64)
            tokens.append(Tokens(np.array(ids, dtype=np.int64), lengths))
        return tokens

    def forward(self, tokens: Tensor, groups: Groups) -> Tensor:
        """The network's last hidden state: [T] -> [T, dim]."""
        with _silent():
            return torch.cat([self._states(part) for part in unpacked(tokens, groups)])

    def _states(self, tokens: Tensor) -> Tensor:
        outcome = self.network(input_ids=tokens, attention_mask=torch.ones_like(tokens))
        states: Tensor = outcome.last_hidden_state
        return states.flatten(0, 1)

    def _check_known(self, index: int, sequence: str, ids: Sequence[int], spans: Sequence[tuple[int, int]]) -> None:
        """Refuse what WordPiece does to a word with one strange letter, or of 100: all of it is one unknown token."""
        unknown = self._tokenizer.unk_token_id
        if unknown not in ids:
            return
        for token, (start, end) in zip(ids, spans, strict=True):
            if token == unknown and not set(NUCLEOTIDES).isdisjoint(sequence[start:end]):
                raise SequenceError(index, f"is unknown to the tokenizer from nucleotide {start + 1} to {end}")

    def _check_loading(self, folder: Path, loading: dict[str, Any]) -> None:
        """transformers fills what a file lacks with random numbers, and leaves out what it holds besides."""
        lacking = sorted(name for name in loading["missing_keys"] if not name.startswith(_UNUSED))
        if lacking:
            raise InputError(folder, f"lacks the tensor {lacking[0]!r}", hint=f"its {_CONFIG} is of another model")
        shapes = sorted(loading["mismatched_keys"])
        if shapes:
            name, found, expected = shapes[0]
            problem = f"the tensor {name!r} has shape {list(found)}, and its {_CONFIG} asks for {list(expected)}"
            raise InputError(folder, problem, hint="they do not belong")
        parts = {name for name, _ in self.network.named_children()}  # what lies elsewhere is a head, and not needed
        plain = (name.removeprefix(f"{self.network.base_model_prefix}.") for name in loading["unexpected_keys"])
        besides = sorted(name for name in plain if name.partition(".")[0] in parts and not name.startswith(_UNUSED))
        if besides:
            raise InputError(folder, f"holds the tensor {besides[0]!r}, which its {_CONFIG} does not know")

    def _special_tokens(self, folder: Path) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """What the tokenizer puts before and after a sequence."""
        plain = self._tokenizer(NUCLEOTIDES, add_special_tokens=False)["input_ids"]
        whole = self._tokenizer(NUCLEOTIDES)["input_ids"]
        for before in range(len(whole) - len(plain) + 1):
            if whole[before : before + len(plain)] == plain:
                return tuple(whole[:before]), tuple(whole[before + len(plain) :])
        raise InputError(folder, "its tokenizer changes an RNA that stands beside special tokens")

    def _translation(self, folder: Path) -> dict[int, int]:
        """U becomes T for a tokenizer that knows T alone."""
        known = {letter for letter in (*NUCLEOTIDES, "T") if self._known(letter)}
        if known >= set(NUCLEOTIDES):
            return {}
        if known >= set(NUCLEOTIDES) - {"U"} | {"T"}:
            return str.maketrans("U", "T")
        raise InputError(folder, "its tokenizer does not read A, C, G and U or T", hint="it is of no RNA model")

    def _known(self, letter: str) -> bool:
        ids = self._tokenizer(letter, add_special_tokens=False)["input_ids"]
        return bool(ids) and self._tokenizer.unk_token_id not in ids

    def _check_vocabulary(self, folder: Path) -> None:
        tokens, rows = len(self._tokenizer), len(self.network.get_input_embeddings().weight)
        if tokens > rows:
            raise InputError(
                folder, f"its tokenizer has {tokens:,} tokens, and the network {rows:,}", hint="they do not belong"
            )

    def _context(self, folder: Path) -> int:
        """Tokens that the network and its tokenizer take, special ones among them."""
        config = self.network.config
        limits = [self._tokenizer.model_max_length]
        positions = getattr(config, "max_position_embeddings", None)
        if positions is not None and positions > 0:
            shift = (config.pad_token_id or 0) + 1 if config.model_type in _OFFSET_POSITIONS else 0
            limits.append(positions - shift)
        context = min(limits)
        if context > _ABSURD_LENGTH:
            raise InputError(folder, "tells no longest length", hint=f"set max_position_embeddings in {_CONFIG}")
        return int(context)


def _check_folder(folder: Path) -> None:
    if not folder.is_dir():
        raise MissingError(f"{folder}: no such folder", hint="hf:FOLDER is a folder on disk; nothing is fetched")
    for name in (_CONFIG, _TOKENIZER):
        if not (folder / name).exists():
            raise InputError(folder, f"has no {name}", hint="see 'hf:FOLDER' in docs/encoders.md")
    if not any(folder.glob("*.safetensors")):
        raise InputError(folder, "has no *.safetensors", hint="save the model again with safe_serialization")


def _config(folder: Path) -> Any:
    from transformers import AutoConfig

    with _told(folder), _silent():
        if "auto_map" in json.loads((folder / _CONFIG).read_text(encoding="utf-8")):
            raise ValueError("needs code of its own, which is not run")
        config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        config._attn_implementation = None  # transformers chooses; a file may name code to be fetched
        config.use_cache = False  # keys and values of all layers, for writing on
        if config.is_encoder_decoder:
            raise ValueError("is an encoder with a decoder, and one of them alone is needed")
    return config


@contextmanager
def _told(folder: Path) -> Iterator[None]:
    """Tell in a sentence what transformers raises about a folder."""
    try:
        yield
    except (MemoryError, CupidError):
        raise
    except Exception as error:  # rubbish makes transformers raise almost anything
        if is_out_of_memory(error):
            raise
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
        raise InputError(folder, reason, hint="see 'hf:FOLDER' in docs/encoders.md") from error


@contextmanager
def _silent() -> Iterator[None]:
    """Keep transformers' own progress bars and reports off the screen."""
    from transformers.utils import logging

    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()
