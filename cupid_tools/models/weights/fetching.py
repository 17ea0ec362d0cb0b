"""Weights from the internet: downloads that go on where they broke off, and that are checked before they count."""

from __future__ import annotations

import hashlib
import http.client
import json
import logging
import os
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, BinaryIO, cast

from cupid_tools import __version__
from cupid_tools.errors import CupidError, InputError, MissingError, UsageError
from cupid_tools.io.atomic import atomic_write
from cupid_tools.models.weights import importing, library
from cupid_tools.models.weights.catalogue import SOURCES, RemoteFile
from cupid_tools.models.weights.importing import Imported

log = logging.getLogger("cupid_tools")

Progress = Callable[[int], object]

TRIES = 6
"""Broken connections in a row, none of which brought anything new."""
FIRST_WAIT_S = 0.5
"""Before the second try; doubled before each further one."""
TIMEOUT_S = 60.0
"""Silence after which a connection counts as broken."""
_CHUNK_BYTES = 1 << 20
_WORTH_A_RETRY = {408, 425, 429, 500, 502, 503, 504}


class _BrokenError(Exception):
    """A connection that ended too early; what was received is kept."""


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
    """
    files = _wanted(name, url, sha256)
    folder = library.folders(weights_dir)[0]
    present = None if replace else _present(name, weights_dir)
    if present:
        return present
    with importing.locked(folder, name):
        present = None if replace else _present(name, weights_dir)  # brought by the process that we waited for
        if present:
            return present
        scratch, tokens = folder / f".{name}.download", folder / f".{name}.tokenizer.download"
        download(files, scratch, progress=progress)
        tokenizer = _tokenizer(name, scratch, tokenizer, tokens, progress)
        try:
            done = importing.install(
                name, scratch, folder=folder, shown=files[0].url, tokenizer=tokenizer, replace=replace
            )
        except InputError:  # going on from these bytes would never give others
            _remove(scratch)
            _remove(tokens)
            raise
        _remove(scratch)
        _remove(tokens)
        return done


def download(files: Sequence[RemoteFile], target: Path, *, progress: Progress) -> None:
    """Bring *files*, one behind the other, into *target*, after what an earlier call has left there.

    Raises:
        MissingError: a server is out of reach, or does not have a file.
        CupidError: a file is not what it should be; its bytes are removed.
    """
    transfer = _Transfer(target, files, progress)
    try:
        with importing.blamed(target), open(target, "r+b") as handle:
            start = 0
            for file in files:
                transfer.bring(file, handle, start)
                _check(file, handle, start)
                start = start + file.size if file.size is not None else _end(handle)
    except BaseException:
        if target.stat().st_size == 0:  # nothing to go on from
            _remove(target)
        raise


class _Transfer:
    """One download, which may take several connections and several runs.

    Beside *target* stands a JSON, URL -> what the server calls this version of the file: without it bytes of two
    versions might be joined.
    """

    def __init__(self, target: Path, files: Sequence[RemoteFile], progress: Progress) -> None:
        self._notes = _notes_of(target)
        self._progress = progress
        self._reached = False
        self._versions = self._read_notes()
        if list(self._versions) != [file.url for file in files][: len(self._versions)] or not self._versions:
            self._versions = {}
            target.unlink(missing_ok=True)
        target.touch()

    def bring(self, file: RemoteFile, handle: BinaryIO, start: int) -> None:
        """Receive *file* into *handle* from *start* on, with as many connections as it takes."""
        failures = 0
        while file.size is None or _end(handle) < start + file.size:
            before = _end(handle)
            try:
                self._receive(file, handle, start)
                return
            except _BrokenError as error:
                failures = 1 if _end(handle) > before else failures + 1
                if failures == TRIES:
                    raise MissingError(
                        f"{file.url}: {error}, {TRIES} times in a row",
                        hint="the same command goes on from where it stopped",
                    ) from error
                log.info("%s: %s; trying again", file.url, error)
                time.sleep(FIRST_WAIT_S * 2 ** (failures - 1))

    def _receive(self, file: RemoteFile, handle: BinaryIO, start: int) -> None:
        """One connection; returns when the file is complete."""
        if file.url not in self._versions or not (file.sha256 or self._versions[file.url]):
            handle.truncate(start)  # nothing could tell whether further bytes belong to these
        have = _end(handle) - start
        try:
            response = self._open(file.url, have)
        except _NothingFurtherError as error:
            if error.total == have and file.size is None:
                return
            handle.truncate(start)
            raise _BrokenError(f"the server has nothing after {have:,} bytes") from error
        with response:
            total = self._agree(file, response, handle, start)
            self._copy(response, handle, None if total is None else start + total)
        have = _end(handle) - start
        if total is not None and have < total:
            raise _BrokenError(f"the connection broke off after {have:,} of {total:,} bytes")
        if total is not None and have > total:
            handle.truncate(start)
            raise _wrong(file, f"the server sent more than {total:,} bytes")

    def _open(self, url: str, have: int) -> http.client.HTTPResponse:
        """Ask for what comes after *have* bytes."""
        headers = {"User-Agent": f"cupid-tools/{__version__}", "Accept-Encoding": "identity"}
        if have:
            headers["Range"] = f"bytes={have}-"
            if self._versions[url]:
                headers["If-Range"] = self._versions[url]
        try:
            response = _opener().open(urllib.request.Request(url, headers=headers), timeout=TIMEOUT_S)
        except urllib.error.HTTPError as error:
            with error:
                raise _refusal(url, error) from error
        except urllib.error.URLError as error:
            if self._reached or isinstance(error.reason, ConnectionResetError):
                raise _BrokenError(f"no connection: {_why(error.reason)}") from error
            raise MissingError(
                f"{url}: no connection: {_why(error.reason)}",
                hint="without internet: download it elsewhere and use 'cupid-weights import'",
            ) from error
        except (ValueError, http.client.InvalidURL) as error:
            raise UsageError(f"{url}: is no address: {error}") from error
        except (OSError, http.client.HTTPException) as error:
            raise _BrokenError(f"no answer: {_why(error)}") from error
        self._reached = True
        return cast(http.client.HTTPResponse, response)

    def _agree(self, file: RemoteFile, response: http.client.HTTPResponse, handle: BinaryIO, start: int) -> int | None:
        """Cut *handle* to where the answer begins, and return the bytes of the whole file, if they are known."""
        begin, total = _extent(response)
        if begin > _end(handle) - start:
            raise _BrokenError("the server sent another part of the file")
        handle.truncate(start + begin)
        if file.size is not None and total not in (None, file.size):
            handle.truncate(start)
            raise _wrong(file, f"has {total:,} bytes, not {file.size:,}")
        self._versions[file.url] = _version(response)
        with atomic_write(self._notes) as notes:
            json.dump(self._versions, notes)
        return file.size if file.size is not None else total

    def _copy(self, response: http.client.HTTPResponse, handle: BinaryIO, limit: int | None) -> None:
        """Append an answer, and stop one chunk above *limit*, where there is one."""
        while limit is None or _end(handle) <= limit:
            try:
                chunk = response.read1(_CHUNK_BYTES)  # what is here, so that a killed run has kept it
            except (OSError, http.client.HTTPException) as error:
                raise _BrokenError(f"the connection broke off: {_why(error)}") from error
            if not chunk:
                return
            handle.write(chunk)
            handle.flush()
            self._progress(len(chunk))

    def _read_notes(self) -> dict[str, str]:
        try:
            return dict(json.loads(self._notes.read_text(encoding="utf-8")))
        except (FileNotFoundError, ValueError, TypeError):
            return {}


class _NothingFurtherError(Exception):
    """The server holds no byte after those that are here.

    Attributes:
        total: bytes that it says it has.
    """

    def __init__(self, total: int | None) -> None:
        super().__init__()
        self.total = total


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows, but never from https to something that is not encrypted."""

    def redirect_request(
        self, req: urllib.request.Request, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        if req.type == "https" and not newurl.startswith("https:"):
            raise CupidError(f"{req.full_url}: leads to {newurl}, which is not encrypted", hint="name another --url")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _opener() -> urllib.request.OpenerDirector:
    """Proxies come from the environment."""
    return urllib.request.build_opener(_Redirects)


def _refusal(url: str, error: urllib.error.HTTPError) -> Exception:
    if error.code == http.client.REQUESTED_RANGE_NOT_SATISFIABLE:
        total = re.fullmatch(r"bytes \*/(\d+)", error.headers.get("Content-Range", ""))
        return _NothingFurtherError(int(total[1]) if total else None)
    problem = f"the server answers {error.code} {error.reason}"
    if error.code in _WORTH_A_RETRY:
        return _BrokenError(problem)
    return MissingError(
        f"{url}: {problem}", hint="--url names another place; 'cupid-weights import' takes a file that you have"
    )


def _extent(response: http.client.HTTPResponse) -> tuple[int, int | None]:
    """Where in the file an answer begins, and how many bytes the whole file has, if the server tells."""
    if response.status == http.client.PARTIAL_CONTENT:
        found = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("Content-Range", ""))
        if not found:
            raise _BrokenError("the server does not tell which part of the file it sent")
        return int(found[1]), None if found[2] == "*" else int(found[2])
    length = response.headers.get("Content-Length", "")
    return 0, int(length) if length.isdecimal() else None


def _version(response: http.client.HTTPResponse) -> str:
    """What the server calls this version of a file; empty where it does not tell."""
    tag = response.headers.get("ETag", "")
    return tag if tag.startswith('"') else response.headers.get("Last-Modified", "")  # a weak tag is no promise


def _wrong(file: RemoteFile, problem: str) -> CupidError:
    return CupidError(f"{file.url}: {problem}", hint="its bytes were removed; try again, or name another --url")


def _why(error: BaseException | str) -> str:
    """The words of the operating system, without its numbers."""
    return str(getattr(error, "strerror", None) or error or type(error).__name__).lower()


def _end(handle: BinaryIO) -> int:
    return handle.seek(0, os.SEEK_END)


def _check(file: RemoteFile, handle: BinaryIO, start: int) -> None:
    """Compare what was received with what is known of it."""
    digest, size = hashlib.sha256(), 0
    handle.seek(start)
    while chunk := handle.read(_CHUNK_BYTES if file.size is None else min(_CHUNK_BYTES, file.size - size)):
        digest.update(chunk)
        size += len(chunk)
    received = digest.hexdigest()
    if file.sha256 is None:
        log.warning("no checksum of %s is known; what came has SHA-256 %s", file.url, received)
    elif received != file.sha256:
        handle.truncate(start)
        raise _wrong(file, f"has SHA-256 {received}, not {file.sha256}")


def _notes_of(target: Path) -> Path:
    return target.with_name(f"{target.name}.json")


def _remove(target: Path) -> None:
    target.unlink(missing_ok=True)
    _notes_of(target).unlink(missing_ok=True)


def _wanted(name: str, url: str | None, sha256: str | None) -> tuple[RemoteFile, ...]:
    if url is not None:
        return (RemoteFile(url, sha256),)
    files = SOURCES[name].checkpoint
    if sha256 is None:
        return files
    if len(files) > 1:
        raise UsageError("--sha256 is that of one file", hint=f"{name} is published in {len(files)}, so name a --url")
    return (RemoteFile(files[0].url, sha256, files[0].size),)


def _present(name: str, weights_dir: str | None) -> Imported | None:
    path = library.find(name, weights_dir)
    return None if path is None else Imported(path, library.read(path)[1]["fingerprint"], new=False)


def _tokenizer(name: str, checkpoint: Path, given: str | None, target: Path, progress: Progress) -> str | None:
    """The tokenizer to import with *checkpoint*: that of the user, or that of the authors, brought to *target*."""
    published = SOURCES[name].tokenizer
    if given is not None or published is None or importing.is_safetensors(checkpoint):
        return given
    download([published], target, progress=progress)
    return str(target)
