"""Where the authors of a model publish its weights, and what is known of those files."""

from __future__ import annotations

from dataclasses import dataclass

_GENERRNA = "https://huggingface.co/pfnet/GenerRNA/resolve/be067e64098e9d370dafc5fa83ebb5ada4d12a95"


@dataclass(frozen=True)
class RemoteFile:
    """One file to download.

    Attributes:
        url: http or https.
        sha256: what it must have, in hexadecimal; None where nobody publishes it.
    """

    url: str
    sha256: str | None = None


@dataclass(frozen=True)
class Source:
    """What the authors publish.

    Attributes:
        checkpoint: as ``convert`` takes it.
        tokenizer: a ``tokenizer.json``; None for a model with a fixed alphabet.
        licence: of the weights.
    """

    checkpoint: RemoteFile
    tokenizer: RemoteFile | None
    licence: str


SOURCES = {
    # the address that the package rna-fm downloads from; its authors publish no checksum
    "rnafm": Source(
        RemoteFile("https://proj.cse.cuhk.edu.hk/rnafm/api/download?filename=RNA-FM_pretrained.pth"),
        None,
        "Apache-2.0",
    ),
    # the newer of two models, with the tokenizer that belongs to it; docs/encoders.md tells of the older
    "generrna": Source(
        RemoteFile(f"{_GENERRNA}/model_updated.pt"), RemoteFile(f"{_GENERRNA}/tokenizer/tokenizer.json"), "MIT"
    ),
}
"""Registry name -> source."""
