"""Byte-pair tokenizers, as files in the format of Hugging Face."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from tokenizers import Tokenizer, pre_tokenizers

from cupid_tools.errors import InputError
from cupid_tools.models.encoders.language_model import Tokens


def read_tokenizer(text: str, source: str) -> Tokenizer:
    """Read a ``tokenizer.json``, set so that an RNA is read as it is, without a space before it.

    Raises:
        InputError: it is no tokenizer.
    """
    try:
        tokenizer = Tokenizer.from_str(text)
    except Exception as error:  # the library raises nothing narrower
        raise InputError(source, "its tokenizer is no tokenizer.json", hint="take the one published with it") from error
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def encode(tokenizer: Tokenizer, sequences: Sequence[str]) -> list[Tokens]:
    """The tokens of each RNA, and how many nucleotides each stands for."""
    return [
        Tokens(
            np.array(found.ids, dtype=np.int64),
            np.array([end - start for start, end in found.offsets], dtype=np.int64),
        )
        for found in tokenizer.encode_batch(list(sequences), add_special_tokens=False)
    ]
