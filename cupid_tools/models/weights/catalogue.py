"""Where the authors of a model publish its weights, and what is known of those files."""

from __future__ import annotations

from dataclasses import dataclass

_GENERRNA = "https://media.githubusercontent.com/media/pfnet-research/GenerRNA/833f9ec320a3a81e60fc93570bda2aca1dd28824"
_GENERRNA_TEXT = "https://raw.githubusercontent.com/pfnet-research/GenerRNA/70f5f2abf5d023189e8e3f520c70a5c401198050"


@dataclass(frozen=True)
class RemoteFile:
    """One file to download.

    Attributes:
        url: http or https.
        sha256: what it must have, in hexadecimal; None where nobody publishes it.
        size: bytes; None where it is not known, which only the last of several files may be.
    """

    url: str
    sha256: str | None = None
    size: int | None = None


@dataclass(frozen=True)
class Source:
    """What the authors publish.

    Attributes:
        checkpoint: its parts, in their order.
        tokenizer: a ``tokenizer.json``; None for a model with a fixed alphabet.
        licence: of the weights.
    """

    checkpoint: tuple[RemoteFile, ...]
    tokenizer: RemoteFile | None
    licence: str


SOURCES = {
    # the address that the package rna-fm downloads from; its authors publish no checksum
    "rnafm": Source(
        (RemoteFile("https://proj.cse.cuhk.edu.hk/rnafm/api/download?filename=RNA-FM_pretrained.pth"),),
        None,
        "Apache-2.0",
    ),
    # checksums and sizes as in the Git LFS pointers of that commit
    "generrna": Source(
        (
            RemoteFile(
                f"{_GENERRNA}/model.pt.part-aa",
                "679da320ef33ed962d6e449d932e54ed5b3229b8dc836e9b3e0e8a993c6b8f8f",
                1_073_741_824,
            ),
            RemoteFile(
                f"{_GENERRNA}/model.pt.part-ab",
                "53d3347fdb02396d8b6d987723e6d4c0a228807a1aeadbb50cc4a1c5a8c41610",
                1_073_741_824,
            ),
            RemoteFile(
                f"{_GENERRNA}/model.pt.part-ac",
                "32d19339f3a9b3c553a85626c71c199c8cd9a37cd5f8a9403ecf07d35592c8a2",
                1_073_741_824,
            ),
            RemoteFile(
                f"{_GENERRNA}/model.pt.part-ad",
                "51b2ecc57718bf8ae540ceae23b4ab5c0615647f4dc56696f659c0121236c3fd",
                419_182_300,
            ),
        ),
        RemoteFile(f"{_GENERRNA_TEXT}/tokenizer/tokenizer.json"),
        "MIT",
    ),
}
"""Registry name -> source."""
