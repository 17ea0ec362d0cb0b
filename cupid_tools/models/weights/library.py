"""The folder of weights: one ``NAME.safetensors`` a model, its tensors and a JSON that tells everything else.

It holds no date, host or path: equal weights give equal bytes. Nothing in it is executed when it is read.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safetensors import SafetensorError, safe_open

from cupid_tools.errors import InputError, MissingError
from cupid_tools.io.atomic import atomic_write
from cupid_tools.processors import check_memory

if TYPE_CHECKING:  # torch takes seconds to load, and what a file says of itself is read without
    from torch import Tensor

FORMAT_VERSION = "1"
SUFFIX = ".safetensors"
_KEY = "cupid_tools"
_AGAIN = "import or fetch the weights again, with --replace"
_SYSTEM_FOLDERS = "/usr/local/share:/usr/share"
_FIELDS = ("format", "name", "config", "tokenizer", "fingerprint", "source_sha256", "licence")


@dataclass(frozen=True)
class Weights:
    """A language model as the encoders take it.

    Attributes:
        tensors: float32, named as the class of ``transformers`` names them.
        config: sizes of the network, ready for JSON.
        tokenizer: the text of a ``tokenizer.json``; None for a model whose alphabet stands in its module.
    """

    tensors: dict[str, Tensor]
    config: dict[str, Any]
    tokenizer: str | None


def load(name: str, weights_dir: str | None) -> tuple[Weights, str]:
    """Open the weights *name*; tensors stay on disk until they are used.

    Args:
        name: registry name, such as ``rnafm``.
        weights_dir: the only folder that is searched; None stands for those of ``folders``.

    Returns:
        The weights, and the fingerprint that was taken when they were imported.

    Raises:
        MissingError: they are not there.
        InputError: the file is cut short, or is not one of ours.
    """
    weights, facts = read(locate(name, weights_dir), name)
    return weights, str(facts["fingerprint"])


def folders(weights_dir: str | None) -> list[Path]:
    """The folders that are searched, in this order; weights are written to the first.

    *weights_dir* alone if it is given; else the user's data folder, then those of the system (XDG base directories).
    """
    if weights_dir is not None:
        return [Path(weights_dir)]
    own = _absolute(os.environ.get("XDG_DATA_HOME", "")) or [Path.home() / ".local" / "share"]
    shared = _absolute(os.environ.get("XDG_DATA_DIRS") or _SYSTEM_FOLDERS)
    return [folder / "cupid-tools" / "weights" for folder in (*own[:1], *shared)]


def find(name: str, weights_dir: str | None) -> Path | None:
    """The file of the weights *name*; None where there is none."""
    paths = [folder / f"{name}{SUFFIX}" for folder in folders(weights_dir)]
    return next((path for path in paths if path.exists()), None)


def locate(name: str, weights_dir: str | None) -> Path:
    """The file of the weights *name*.

    Raises:
        MissingError: there is none; tells how to bring it.
    """
    path = find(name, weights_dir)
    if path is not None:
        return path
    place = "" if weights_dir is None else f" --weights-dir {weights_dir}"
    raise MissingError(
        f"the weights of {name} are not in {' or '.join(map(str, folders(weights_dir)))}",
        hint=f"bring them with 'cupid-weights fetch {name}{place}', "
        f"or 'cupid-weights import FILE --as {name}{place}' where there is no internet; "
        "--weights-dir names another folder",
    )


def fingerprint(name: str, weights: Weights) -> str:
    """SHA-256 of everything that the weights say, in hexadecimal: name, configuration, tokenizer, every tensor."""
    import torch

    digest = hashlib.sha256(_json([name, weights.config, weights.tokenizer]))
    for key, tensor in sorted(weights.tensors.items()):
        digest.update(_json([key, str(tensor.dtype), list(tensor.shape)]))
        digest.update(tensor.contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def write(path: Path, name: str, weights: Weights, *, fingerprint: str, source_sha256: str, licence: str) -> None:
    """Write weights to *path*; the file appears complete or not at all."""
    from safetensors.torch import save_file

    values = (FORMAT_VERSION, name, weights.config, weights.tokenizer, fingerprint, source_sha256, licence)
    facts = dict(zip(_FIELDS, values, strict=True))
    tensors = {key: tensor.contiguous() for key, tensor in weights.tensors.items()}
    with atomic_write(path, "wb") as handle:
        try:
            save_file(tensors, handle.name, metadata={_KEY: _json(facts).decode()})
            os.chmod(handle.name, os.fstat(handle.fileno()).st_mode)  # save_file lets nobody else read what it writes
        except SafetensorError as error:
            raise _os_error(error, path) from error


def facts(path: Path, name: str) -> dict[str, Any]:
    """What a file of the weights *name* says of itself; its tensors are not read.

    Raises:
        InputError: cut short, not one of ours, or of another model.
    """
    with _opened(path, "numpy") as handle:
        return _facts(path, handle.metadata(), name)


def read(path: Path, name: str, *, shown: str | None = None) -> tuple[Weights, dict[str, Any]]:
    """Open a file of the weights *name*: its content, and its ``facts``; *shown* names it in messages.

    Raises:
        InputError: cut short, not one of ours, or of another model.
        OutOfMemoryError: the tensors take more than there is.
    """
    shown = shown or str(path)
    check_memory(os.path.getsize(path), f"{shown} does not fit into memory")
    with _opened(path, "pt", shown) as handle:
        facts = _facts(shown, handle.metadata(), name)
        tensors = {key: handle.get_tensor(key) for key in handle.keys()}  # noqa: SIM118 - it is no dict
    return Weights(tensors, facts["config"], facts["tokenizer"]), facts


def verify(path: Path, name: str, *, shown: str | None = None) -> tuple[Weights, dict[str, Any]]:
    """As ``read``, after a comparison of everything in the file with its fingerprint.

    Raises:
        InputError: it is not whole, or not what it says.
    """
    weights, facts = read(path, name, shown=shown)
    if fingerprint(name, weights) != facts["fingerprint"]:
        raise InputError(shown or path, "does not have the fingerprint that it names", hint=_AGAIN)
    return weights, facts


@contextmanager
def _opened(path: Path, framework: str, shown: str | None = None) -> Iterator[Any]:
    try:
        with safe_open(path, framework=framework) as handle:
            yield handle
    except SafetensorError as error:
        raise InputError(shown or path, "is not a complete safetensors file", hint=_AGAIN) from error


def _os_error(error: SafetensorError, path: Path) -> OSError:
    """The error of the operating system, such as a full disk, of which safetensors keeps only the text."""
    number = re.search(r"os error (\d+)", str(error))
    return OSError(int(number[1]), os.strerror(int(number[1])), path) if number else OSError(0, str(error), path)


def _facts(path: Path | str, metadata: Mapping[str, str] | None, name: str) -> dict[str, Any]:
    if not metadata or _KEY not in metadata:
        raise InputError(path, "holds no weights of cupid-tools", hint="make such a file with cupid-weights import")
    try:
        facts = json.loads(metadata[_KEY])
        if "classifier" in facts:
            raise InputError(path, "is a model of pairs, not the weights of an encoder", hint="give such weights")
        if facts["format"] != FORMAT_VERSION:
            raise InputError(path, "was made by another version of cupid-tools", hint=_AGAIN)
        facts = {field: facts[field] for field in _FIELDS}
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(path, "has damaged metadata", hint=_AGAIN) from error
    if facts["name"] != name:
        raise InputError(path, f"holds the weights of {facts['name']}, not of {name}")
    return facts


def _absolute(paths: str) -> list[Path]:
    """The absolute ones of paths separated by colons; the XDG specification wants others ignored."""
    return [Path(path) for path in paths.split(":") if path.startswith("/")]


def _json(content: Any) -> bytes:
    """Canonical: equal contents are equal bytes."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False).encode()
