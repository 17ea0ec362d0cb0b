"""Published checkpoints in, our safetensors out. Nothing of a checkpoint is executed."""

from __future__ import annotations

import argparse
import json
import logging
import os
import re
import shutil
import warnings
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from filelock import FileLock, Timeout

from cupid_tools.errors import CupidError, InputError, UsageError
from cupid_tools.io.atomic import check_folder
from cupid_tools.io.streams import STDIN, file_digest
from cupid_tools.models.device import memory_guard
from cupid_tools.models.weights import WEIGHTS, library
from cupid_tools.models.weights.catalogue import SOURCES
from cupid_tools.models.weights.library import Weights

log = logging.getLogger("cupid_tools")

_ZIP_MAGIC = b"PK\x03\x04"
_CHUNK_BYTES = 1 << 24


@dataclass(frozen=True)
class Imported:
    """What an import did.

    Attributes:
        path: the file in the folder of weights.
        fingerprint: of the weights.
        new: False where the same weights were there already.
    """

    path: Path
    fingerprint: str
    new: bool


def import_weights(
    name: str, files: Sequence[str], *, weights_dir: str | None, tokenizer: str | None, replace: bool
) -> Imported:
    """Bring a checkpoint into the folder of weights.

    Args:
        name: registry name.
        files: the checkpoint as its authors publish it, its parts in their order; or one file of ours.
        weights_dir: None stands for the user's data folder.
        tokenizer: a ``tokenizer.json``, or a folder that holds it.
        replace: put the weights in place of others of this name.

    Raises:
        CupidError: a file is missing, or the folder cannot be written.
        InputError: a file is damaged, holds code, or is not a checkpoint of this model.
        UsageError: other weights of this name are there, and *replace* is not set.
    """
    _check_regular(files)
    text = None if tokenizer is None else read_tokenizer(tokenizer)
    folder = library.folders(weights_dir)[0]
    with locked(folder, name), _one_file(files, folder / f".{name}.joined") as path:
        shown = files[0] if len(files) == 1 else f"{files[0]} to {files[-1]}"
        return install(name, path, folder=folder, shown=shown, tokenizer=text, replace=replace)


def install(name: str, checkpoint: Path, *, folder: Path, shown: str, tokenizer: str | None, replace: bool) -> Imported:
    """Convert a checkpoint into *folder*, which the caller has locked.

    *shown* is the name of the checkpoint in messages, and *tokenizer* the text of a ``tokenizer.json``.
    """
    for left in folder.glob(f".{name}{library.SUFFIX}.*.part"):  # of a run that was killed
        left.unlink(missing_ok=True)
    if is_safetensors(checkpoint):
        weights, fingerprint, source_sha256 = _ours(name, checkpoint, shown, tokenizer)
    else:
        convert = WEIGHTS.load(name)
        weights = convert(read_checkpoint(checkpoint, shown), shown, tokenizer)
        fingerprint, source_sha256 = library.fingerprint(name, weights), file_digest(checkpoint)
    target = folder / f"{name}{library.SUFFIX}"
    if target.exists() and not replace:
        _check_same(target, name, fingerprint)
        return Imported(target, fingerprint, new=False)
    licence = SOURCES[name].licence
    library.write(target, name, weights, fingerprint=fingerprint, source_sha256=source_sha256, licence=licence)
    return Imported(target, fingerprint, new=True)


@contextmanager
def locked(folder: Path, name: str) -> Iterator[None]:
    """Let one process at a time bring the weights *name* into *folder*, which is made if it is missing.

    Raises:
        CupidError: the folder cannot be made or written.
    """
    target = folder / f"{name}{library.SUFFIX}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise CupidError(f"{folder}: cannot be made: {reason}", hint="name another with --weights-dir") from error
    check_folder(folder, shown=target)
    lock = FileLock(folder / f".{name}.lock", mode=0o664)  # others of the group may write here, too
    try:
        lock.acquire(timeout=0)
    except Timeout:
        log.info("another process is bringing %s into %s; waiting for it", name, folder)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def other_weights(path: Path, name: str, difference: str) -> UsageError:
    """The error that tells that only ``--replace`` removes what is there."""
    return UsageError(
        f"{path} holds other weights of {name} ({difference})", hint="--replace puts these in their place"
    )


@contextmanager
def blamed(path: Path) -> Iterator[None]:
    """Name *path* in errors of the operating system that name no file, as that of a full disk."""
    try:
        yield
    except OSError as error:
        if error.filename is None:
            error.filename = str(path)
        raise


def read_checkpoint(path: Path, shown: str) -> dict[str, Any]:
    """Read what ``torch.save`` wrote, executing nothing; tensors stay on disk where its format allows that.

    Raises:
        InputError: cut short, damaged, holding code, or something else.
    """
    with open(path, "rb") as handle:
        zipped = handle.read(len(_ZIP_MAGIC)) == _ZIP_MAGIC
    if zipped:
        _check_zip(path, shown)
    else:
        log.warning("%s has torch's old format, without checksums: damage inside it may go unnoticed", shown)
    try:
        # fairseq keeps settings as a Namespace; what torch warns of is in the file, and told below if it matters
        with memory_guard(), torch.serialization.safe_globals([argparse.Namespace]), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            content = torch.load(path, map_location="cpu", weights_only=True, mmap=zipped)
    except (OSError, MemoryError, CupidError):
        raise
    except Exception as error:  # rubbish makes torch raise almost anything
        raise _unreadable(shown, str(error)) from error
    if not isinstance(content, dict):
        raise InputError(shown, f"holds a {type(content).__name__}", hint="a checkpoint is a dictionary")
    return content


def read_tokenizer(given: str) -> str:
    """The text of a ``tokenizer.json``, which may be named by its folder.

    Raises:
        CupidError: it is not there.
        InputError: it is something else.
    """
    path = Path(given, "tokenizer.json") if os.path.isdir(given) else Path(given)
    if not path.exists():
        raise CupidError(f"{path}: no such file or directory", hint="check the name")
    try:
        text = path.read_text(encoding="utf-8")
        json.loads(text)
    except ValueError as error:
        raise InputError(path, "is no JSON", hint="--tokenizer takes a tokenizer.json") from error
    return text


def is_safetensors(path: Path) -> bool:
    """Whether a file starts as safetensors do: the length of a JSON, and that JSON."""
    with open(path, "rb") as handle:
        start = handle.read(9)
    return len(start) == 9 and start[8:] == b"{" and int.from_bytes(start[:8], "little") < path.stat().st_size


def _check_regular(files: Sequence[str]) -> None:
    for file in files:
        if file != STDIN and not os.path.lexists(file):
            raise CupidError(f"{file}: no such file or directory", hint="check the name")
        if not os.path.isfile(file):
            raise InputError(file, "is no regular file", hint="a checkpoint is read in pieces, so not from a pipe")


@contextmanager
def _one_file(files: Sequence[str], scratch: Path) -> Iterator[Path]:
    """The parts of a checkpoint behind one another, as ``cat`` would join them."""
    if len(files) == 1:
        yield Path(files[0])
        return
    try:
        with blamed(scratch), open(scratch, "wb") as whole:
            for file in files:
                with open(file, "rb") as part:
                    shutil.copyfileobj(part, whole, _CHUNK_BYTES)
        yield scratch
    finally:
        scratch.unlink(missing_ok=True)


def _check_zip(path: Path, shown: str) -> None:
    """Compare the checksums inside, since a damaged tensor would pass for a sound one."""
    hint = "copy or download it again; all parts are needed, in their order"
    try:
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
    except (zipfile.BadZipFile, NotImplementedError, EOFError) as error:
        raise InputError(shown, "is cut short or damaged", hint=hint) from error
    if damaged is not None:
        raise InputError(shown, f"is damaged in {damaged}", hint=hint)


def _unreadable(shown: str, problem: str) -> InputError:
    code = re.search(r"GLOBAL (\S+)", problem)
    if code:
        return InputError(shown, f"holds code ({code[1]}), which is not executed", hint="use the authors' own file")
    return InputError(shown, "is no PyTorch checkpoint", hint="copy or download it again")


def _ours(name: str, path: Path, shown: str, tokenizer: str | None) -> tuple[Weights, str, str]:
    """Weights that were imported on another machine: content, fingerprint, SHA-256 of the checkpoint."""
    if tokenizer is not None:
        raise UsageError(f"{shown} holds its own tokenizer", hint="leave --tokenizer out")
    weights, facts = library.verify(path, name, shown=shown)
    return weights, facts["fingerprint"], facts["source_sha256"]


def _check_same(target: Path, name: str, fingerprint: str) -> None:
    present = library.verify(target, name)[1]["fingerprint"]
    if present != fingerprint:
        raise other_weights(target, name, f"fingerprint {present[:12]}, not {fingerprint[:12]}")
