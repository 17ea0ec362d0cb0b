"""Files from the internet: downloads that go on where they broke off, and that are checked before they count."""

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
from collections.abc import Callable
from io import BufferedRandom
from pathlib import Path
from typing import Any, cast

from cupid_tools import __version__
from cupid_tools.errors import CupidError, MissingError, UsageError
from cupid_tools.io.atomic import atomic_write
from cupid_tools.models.weights.catalogue import RemoteFile
from cupid_tools.models.weights.importing import blamed

log = logging.getLogger("cupid_tools")

Progress = Callable[[int], object]
"""Is told how many bytes more have come."""
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


def download(file: RemoteFile, target: Path, *, progress: Progress) -> None:
    """Bring *file* into *target*, behind what an earlier call has left there.

    Raises:
        MissingError: the server is out of reach, or does not have the file.
        CupidError: the file is not what it should be; its bytes are removed.
    """
    try:
        with blamed(target), open(target, "a+b") as handle:
            transfer = _Transfer(file, handle, _notes_of(target), progress)
            transfer.complete()
            transfer.check()
    except BaseException:
        if not (target.exists() and target.stat().st_size):  # nothing to go on from
            remove(target)
        raise


def remove(*targets: Path) -> None:
    """Remove downloads, with what is noted of them."""
    for target in targets:
        target.unlink(missing_ok=True)
        _notes_of(target).unlink(missing_ok=True)


class _Transfer:
    """One download, which may take several connections and several runs.

    *notes* is a JSON, the URL and what its server calls this version of the file: without it bytes of two versions
    might be joined.
    """

    def __init__(self, file: RemoteFile, handle: BufferedRandom, notes: Path, progress: Progress) -> None:
        self._file = file
        self._handle = handle
        self._notes = notes
        self._progress = progress
        self._reached = False
        self._version = self._noted_version()

    def complete(self) -> None:
        """Receive the file, with as many connections as it takes."""
        failures, most = 0, _end(self._handle)
        while True:
            try:
                return self._receive()
            except _BrokenError as error:
                have = _end(self._handle)
                failures, most = (1, have) if have > most else (failures + 1, most)
                if failures == TRIES:
                    raise MissingError(
                        f"{self._file.url}: {error}, {TRIES} times in a row",
                        hint="the same command goes on from where it stopped",
                    ) from error
                log.info("%s: %s; trying again", self._file.url, error)
                time.sleep(FIRST_WAIT_S * 2 ** (failures - 1))

    def check(self) -> None:
        """Compare what was received with what is known of it."""
        self._handle.seek(0)
        received = hashlib.file_digest(self._handle, "sha256").hexdigest()
        if self._file.sha256 is None:
            log.warning("no checksum of %s is known; what came has SHA-256 %s", self._file.url, received)
        elif received != self._file.sha256:
            raise self._rejected(f"has SHA-256 {received}, not {self._file.sha256}")

    def _receive(self) -> None:
        """One connection; returns when the file is complete."""
        if self._version is None or not (self._version or self._file.sha256):
            self._handle.truncate(0)  # nothing could tell whether further bytes belong to these
        response = self._open(_end(self._handle))
        if response is None:
            return
        with response:
            total = self._agree(response)
            self._copy(response)
        have = _end(self._handle)
        if total is not None and have < total:
            raise _BrokenError(f"the connection broke off after {have:,} of {total:,} bytes")
        if total is not None and have > total:
            raise self._rejected(f"the server sent more than {total:,} bytes")

    def _open(self, have: int) -> http.client.HTTPResponse | None:
        """Ask for what comes after *have* bytes; None where these are all."""
        url = self._file.url
        headers = {"User-Agent": f"cupid-tools/{__version__}", "Accept-Encoding": "identity"}
        if have:
            headers["Range"] = f"bytes={have}-"
            if self._version:
                headers["If-Range"] = self._version
        opener = urllib.request.build_opener(_Redirects)  # proxies come from the environment
        try:
            response = opener.open(urllib.request.Request(url, headers=headers), timeout=TIMEOUT_S)
        except urllib.error.HTTPError as error:
            with error:
                self._refused(error)
            return None
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

    def _refused(self, error: urllib.error.HTTPError) -> None:
        """Return if the server refuses because there is nothing after what is here, and raise otherwise."""
        if error.code == http.client.REQUESTED_RANGE_NOT_SATISFIABLE:
            have = _end(self._handle)
            if error.headers.get("Content-Range", "") == f"bytes */{have}":
                return
            self._handle.truncate(0)
            raise _BrokenError(f"the server has nothing after {have:,} bytes") from error
        problem = f"the server answers {error.code} {error.reason}"
        if error.code in _WORTH_A_RETRY:
            raise _BrokenError(problem) from error
        raise MissingError(
            f"{self._file.url}: {problem}",
            hint="--url names another place; 'cupid-weights import' takes a file that you have",
        ) from error

    def _agree(self, response: http.client.HTTPResponse) -> int | None:
        """Cut what is here to where the answer begins, and return the bytes of the whole file, if they are known."""
        begin, total = _extent(response)
        if begin > _end(self._handle):
            raise _BrokenError("the server sent another part of the file")
        self._handle.truncate(begin)
        self._version = _version(response)
        with atomic_write(self._notes) as notes:
            json.dump([self._file.url, self._version], notes)
        return total

    def _copy(self, response: http.client.HTTPResponse) -> None:
        """Append an answer."""
        while True:
            try:
                chunk = response.read1(_CHUNK_BYTES)  # what is here, so that a killed run has kept it
            except http.client.IncompleteRead as error:
                raise _BrokenError("the connection broke off") from error
            except (OSError, http.client.HTTPException) as error:
                raise _BrokenError(f"the connection broke off: {_why(error)}") from error
            if not chunk:
                return
            self._handle.write(chunk)
            self._handle.flush()
            self._progress(len(chunk))

    def _noted_version(self) -> str | None:
        """The version of what is here; None where that did not come from this URL."""
        try:
            url, version = json.loads(self._notes.read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError, TypeError):
            return None
        return str(version) if url == self._file.url else None

    def _rejected(self, problem: str) -> CupidError:
        self._handle.truncate(0)
        return CupidError(
            f"{self._file.url}: {problem}", hint="its bytes were removed; try again, or name another --url"
        )


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows, but never from https to something that is not encrypted."""

    def redirect_request(
        self, req: urllib.request.Request, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        if req.type == "https" and not newurl.startswith("https:"):
            raise CupidError(f"{req.full_url}: leads to {newurl}, which is not encrypted", hint="name another --url")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


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


def _why(error: BaseException | str) -> str:
    """The words of the operating system, without its numbers."""
    return str(getattr(error, "strerror", None) or error or type(error).__name__).lower()


def _end(handle: BufferedRandom) -> int:
    return handle.seek(0, os.SEEK_END)


def _notes_of(target: Path) -> Path:
    return target.with_name(f"{target.name}.json")
