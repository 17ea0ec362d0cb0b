"""Weights straight from where their authors publish them."""

from __future__ import annotations

from pathlib import Path

from cupid_tools.errors import InputError
from cupid_tools.io.streams import file_digest
from cupid_tools.models.weights import importing, library
from cupid_tools.models.weights.catalogue import SOURCES, RemoteFile
from cupid_tools.models.weights.downloading import Progress, download, remove
from cupid_tools.models.weights.importing import Imported


def fetch(
    name: str,
    *,
    weights_dir: str | None,
    url: str | None,
    sha256: str | None,
    tokenizer: str | None,
    replace: bool,
    progress: Progress,
) -> Imported:
    """Download a checkpoint and import it; a run that was killed is continued.

    Args:
        name: registry name.
        weights_dir: None stands for the user's data folder.
        url: the checkpoint, or a file of ours, elsewhere than where the authors keep it.
        sha256: what the downloaded file must have.
        tokenizer: as in ``import_weights``; None downloads that of the authors, where there is one.
        replace: put the weights in place of others of this name.
        progress: is told how many bytes more have come.

    Raises:
        MissingError: the server is out of reach, or does not have the file.
        CupidError: what came is not what was to come.
        InputError: what came is not a checkpoint of this model.
        UsageError: weights of another *sha256* are there, and *replace* is not set.
    """
    text = None if tokenizer is None else importing.read_tokenizer(tokenizer)  # told before hours of downloading
    if not replace and (present := _present(name, weights_dir, sha256)):
        return present
    folder = library.folders(weights_dir)[0]
    with importing.locked(folder, name):
        if not replace and (present := _present(name, weights_dir, sha256)):  # brought by whom we waited for
            return present
        file = SOURCES[name].checkpoint if url is None else RemoteFile(url)
        file = file if sha256 is None else RemoteFile(file.url, sha256)
        return _bring(name, file, folder, tokenizer=text, replace=replace, progress=progress)


def _bring(
    name: str, file: RemoteFile, folder: Path, *, tokenizer: str | None, replace: bool, progress: Progress
) -> Imported:
    """Download *file* and import it into *folder*, which is locked."""
    scratch, tokens = folder / f".{name}.download", folder / f".{name}.tokenizer.download"
    download(file, scratch, progress=progress)
    published = SOURCES[name].tokenizer
    try:
        if published is not None and tokenizer is None and not importing.is_safetensors(scratch):
            download(published, tokens, progress=progress)
            tokenizer = importing.read_tokenizer(str(tokens))
        done = importing.install(name, scratch, folder=folder, shown=file.url, tokenizer=tokenizer, replace=replace)
    except InputError:  # going on from these bytes would never give others
        remove(scratch, tokens)
        raise
    remove(scratch, tokens)
    return done


def _present(name: str, weights_dir: str | None, sha256: str | None) -> Imported | None:
    """The weights that are there, unless they come from a file of another *sha256*."""
    path = library.find(name, weights_dir)
    if path is None:
        return None
    facts = library.facts(path, name)
    source = facts["source_sha256"]
    if sha256 not in (None, source) and sha256 != file_digest(path):  # the sum of a file of ours is fine, too
        raise importing.other_weights(path, name, f"from a file of SHA-256 {source}, not {sha256}")
    return Imported(path, facts["fingerprint"], new=False)
