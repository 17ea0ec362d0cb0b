"""cupid-weights: published files in, one checked file out, whatever the file, the disk or the server does."""

import contextlib
import hashlib
import http.server
import json
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from argparse import Namespace
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from cupid_tools.errors import CupidError
from cupid_tools.models.weights import catalogue, downloading, importing, library
from cupid_tools.models.weights.catalogue import RemoteFile, Source
from tests.conftest import contents
from tests.language_models import generrna_tokenizer, save_generrna, save_rnafm

DEADLINE = 60


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """Tiny models in the formats of the authors."""
    folder = tmp_path_factory.mktemp("published")
    save_rnafm(folder / "rnafm.pth")
    save_rnafm(folder / "other.pth", seed=8)
    save_generrna(folder / "model.pt")
    (folder / "tokenizer.json").write_text(generrna_tokenizer())
    return folder


@pytest.fixture
def weights(tmp_path):
    """The folder of weights."""
    return tmp_path / "weights"


@pytest.fixture
def run(tool, weights):
    """Run ``cupid-weights COMMAND ARGS --weights-dir WEIGHTS``."""
    return lambda command, *args: tool("weights", command, *args, "--weights-dir", weights)


@pytest.fixture
def expect_refusal(run, weights):
    """Assert that a command fails with one ERROR line that holds *words*, and changes nothing that can be seen."""

    def check(code, words, *args):
        before = visible(weights)
        outcome = run(*args)
        errors = [line for line in outcome.stderr.splitlines() if "ERROR" in line]
        assert (outcome.code, outcome.stdout, len(errors)) == (code, "", 1), outcome
        assert errors[0].startswith("cupid-weights: ERROR: ")
        assert words in errors[0], errors[0]
        assert visible(weights) == before
        return errors[0]

    return check


def visible(folder):
    return {path.name: content for path, content in contents(folder).items() if not path.name.startswith(".")}


def hidden(folder):
    """What a run has left beside the weights; the lock may stay."""
    return sorted(path.name for path in folder.iterdir() if path.name.startswith(".") and path.suffix != ".lock")


def start(*args, **options):
    code = "import sys; from cupid_tools.cli.weights import main; sys.exit(main())"
    command = [sys.executable, "-c", code, *map(str, args)]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True, **options)


# import


def test_import_gives_the_weights_that_the_encoder_loads(run, published, weights):
    outcome = run("import", published / "rnafm.pth", "--as", "rnafm")
    assert outcome.code == 0
    loaded, fingerprint = library.load("rnafm", str(weights))
    assert f"kept in {weights}/rnafm.safetensors: fingerprint {fingerprint}" in outcome.stderr
    state = torch.load(published / "rnafm.pth", weights_only=False)["model"]
    expected = state["encoder.sentence_encoder.layers.0.fc1.weight"]
    assert torch.equal(loaded.tensors["encoder.layer.0.intermediate.dense.weight"], expected)
    assert hidden(weights) == []


def test_a_file_in_the_old_format_is_imported_with_a_warning(run, published, weights, tmp_path):
    content = torch.load(published / "rnafm.pth", weights_only=False)
    torch.save(content, tmp_path / "old.pth", _use_new_zipfile_serialization=False)
    outcome = run("import", tmp_path / "old.pth", "--as", "rnafm")
    assert outcome.code == 0
    assert "old.pth has torch's old format, without checksums" in outcome.stderr
    old = visible(weights)
    again = run("import", published / "rnafm.pth", "--as", "rnafm")
    assert "checksums" not in again.stderr
    assert library.load("rnafm", str(weights))[1] in old["rnafm.safetensors"].decode("latin-1")


def test_equal_imports_are_equal_bytes(run, published, weights, tmp_path):
    shutil.copy(published / "rnafm.pth", tmp_path / "renamed.pth")
    run("import", published / "rnafm.pth", "--as", "rnafm")
    first = visible(weights)
    assert run("import", tmp_path / "renamed.pth", "--as", "rnafm", "--replace").code == 0
    assert visible(weights) == first
    assert str(tmp_path).encode() not in first["rnafm.safetensors"]


def test_importing_again_says_so_and_changes_nothing(run, published, weights):
    run("import", published / "rnafm.pth", "--as", "rnafm")
    before = (weights / "rnafm.safetensors").stat()
    outcome = run("import", published / "rnafm.pth", "--as", "rnafm")
    assert outcome.code == 0
    assert "there already" in outcome.stderr
    after = (weights / "rnafm.safetensors").stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_other_weights_are_replaced_only_on_demand(run, expect_refusal, published, weights):
    run("import", published / "rnafm.pth", "--as", "rnafm")
    before = visible(weights)
    expect_refusal(2, "--replace puts these in their place", "import", published / "other.pth", "--as", "rnafm")
    assert run("import", published / "other.pth", "--as", "rnafm", "--replace").code == 0
    assert visible(weights) != before


def test_parts_are_read_as_one_file(run, published, weights, tmp_path):
    content = (published / "model.pt").read_bytes()
    parts = [tmp_path / f"model.pt.part-{number}" for number in range(3)]
    for number, part in enumerate(parts):
        part.write_bytes(content[number * 60_000 : (number + 1) * 60_000])
    whole = ["import", published / "model.pt", "--as", "generrna", "--tokenizer", published]
    assert run(*whole).code == 0
    before = visible(weights)
    outcome = run("import", *parts, "--as", "generrna", "--tokenizer", published / "tokenizer.json", "--replace")
    assert outcome.code == 0
    assert visible(weights) == before
    assert hidden(weights) == []


def test_parts_in_another_order_are_refused(expect_refusal, published, tmp_path):
    content = (published / "model.pt").read_bytes()
    for name, part in (("a", content[:80_000]), ("b", content[80_000:])):
        (tmp_path / name).write_bytes(part)
    parts = [tmp_path / "b", tmp_path / "a"]
    expect_refusal(3, f"{parts[0]} to {parts[1]}: ", "import", *parts, "--as", "generrna", "--tokenizer", published)


def test_the_format_of_torch_before_1_6_is_read(run, published, weights):
    old = weights.parent / "old.pth"
    torch.save(torch.load(published / "rnafm.pth", weights_only=False), old, _use_new_zipfile_serialization=False)
    run("import", published / "rnafm.pth", "--as", "rnafm")
    assert "there already" in run("import", old, "--as", "rnafm").stderr


def test_a_file_of_another_machine_is_taken_as_it_is(tool, run, published, weights, tmp_path):
    run("import", published / "model.pt", "--as", "generrna", "--tokenizer", published)
    copy = ["import", weights / "generrna.safetensors", "--as", "generrna", "--weights-dir", tmp_path / "copy"]
    assert tool("weights", *copy).code == 0
    assert visible(tmp_path / "copy") == visible(weights)


class Trap:
    """Unpickling it makes a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("zipped", [True, False])
def test_code_in_a_checkpoint_is_not_executed(expect_refusal, published, tmp_path, zipped):
    content = torch.load(published / "rnafm.pth", weights_only=False)
    content["args"].trap = Trap(tmp_path / "executed")
    torch.save(content, tmp_path / "bad.pth", _use_new_zipfile_serialization=zipped)
    expect_refusal(
        3, "holds code (posix.mkdir), which is not executed", "import", tmp_path / "bad.pth", "--as", "rnafm"
    )
    assert not (tmp_path / "executed").exists()


BAD_FILES = {
    "empty": (lambda content: b"", "is no PyTorch checkpoint"),
    "text": (lambda content: b"<html>not found</html>\n", "is no PyTorch checkpoint"),
    "noise": (lambda content: bytes(range(256)) * 40, "is no PyTorch checkpoint"),
    "cut": (lambda content: content[:-5000], "is cut short or damaged"),
    "cut-early": (lambda content: content[:30], "is cut short or damaged"),
    "bit": (lambda content: content[:100_000] + bytes([content[100_000] ^ 1]) + content[100_001:], "is damaged in "),
    "foreign-zip": (lambda content: ZIP, "is no PyTorch checkpoint"),
    "cut-safetensors": (lambda content: SAFETENSORS[:-5], "is not a complete safetensors file"),
    "foreign-safetensors": (lambda content: SAFETENSORS, "holds no weights of cupid-tools"),
}
ZIP = b"PK\x05\x06" + bytes(18)
ZIP = b"PK\x03\x04" + bytes(26) + ZIP
SAFETENSORS = json.dumps({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}).encode()
SAFETENSORS = len(SAFETENSORS).to_bytes(8, "little") + SAFETENSORS + bytes(8)


@pytest.mark.parametrize("case", BAD_FILES)
def test_rubbish_is_refused_with_a_sentence(run, expect_refusal, published, tmp_path, case):
    spoil, words = BAD_FILES[case]
    run("import", published / "other.pth", "--as", "rnafm")
    bad = tmp_path / "bad.pth"
    bad.write_bytes(spoil((published / "rnafm.pth").read_bytes()))
    expect_refusal(3, f"{bad}: {words}", "import", bad, "--as", "rnafm", "--replace")


BAD_CONTENTS = {
    "list": [1, 2],
    "bare-state": OrderedDict(a=torch.ones(2)),
    "no-model": {"args": Namespace(arch="roberta_large")},
    "model-is-text": {"args": Namespace(arch="roberta_large"), "model": "text"},
}


@pytest.mark.parametrize("case", BAD_CONTENTS)
@pytest.mark.parametrize("name", ["rnafm", "generrna"])
def test_other_contents_are_refused_with_a_sentence(expect_refusal, published, tmp_path, case, name):
    torch.save(BAD_CONTENTS[case], tmp_path / "bad.pth")
    tokenizer = ["--tokenizer", published] if name == "generrna" else []
    expect_refusal(3, f"{tmp_path / 'bad.pth'}: ", "import", tmp_path / "bad.pth", "--as", name, *tokenizer)


@pytest.mark.parametrize(("file", "name"), [("model.pt", "rnafm"), ("rnafm.pth", "generrna")])
def test_a_checkpoint_of_the_other_model_is_refused(expect_refusal, published, file, name):
    tokenizer = ["--tokenizer", published] if name == "generrna" else []
    expect_refusal(3, "is not a", "import", published / file, "--as", name, *tokenizer)


def test_a_kept_file_of_the_other_model_is_refused(tool, expect_refusal, published, tmp_path):
    tool("weights", "import", published / "rnafm.pth", "--as", "rnafm", "--weights-dir", tmp_path)
    kept = tmp_path / "rnafm.safetensors"
    expect_refusal(3, f"{kept}: holds the weights of rnafm, not of generrna", "import", kept, "--as", "generrna")


def test_a_model_of_pairs_is_not_taken_for_weights_nor_weights_for_a_model(
    tool, expect_refusal, chain, published, tmp_path
):
    model = chain.path("model.safetensors")
    words = f"{model}: is a model of pairs, not the weights of an encoder"
    expect_refusal(3, words, "import", model, "--as", "rnafm")
    tool("weights", "import", published / "rnafm.pth", "--as", "rnafm", "--weights-dir", tmp_path)
    kept = tmp_path / "rnafm.safetensors"
    outcome = tool("score", "-m", kept, "-f", chain.path("kept.fa"), chain.path("kept.tsv"))
    assert (outcome.code, outcome.stdout) == (3, "")
    assert f"{kept}: holds weights of an encoder, not a model of pairs" in outcome.stderr


def test_inputs_that_are_not_there_or_no_files(expect_refusal, published, tmp_path):
    expect_refusal(1, "none.pth: no such file or directory", "import", "none.pth", "--as", "rnafm")
    expect_refusal(3, f"{tmp_path}: is no regular file", "import", tmp_path, "--as", "rnafm")
    expect_refusal(3, "stdin: is no regular file", "import", "-", "--as", "rnafm")
    generrna = ["import", published / "model.pt", "--as", "generrna", "--tokenizer"]
    expect_refusal(1, "tokenizer.json: no such file or directory", *generrna, tmp_path)
    expect_refusal(3, "model.pt: is no JSON", *generrna, published / "model.pt")
    (tmp_path / "list.json").write_text("[]")
    expect_refusal(3, "its tokenizer is no tokenizer.json", *generrna, tmp_path / "list.json")


def test_a_folder_that_cannot_be_written_is_told(tool, published):
    argv = ["weights", "import", published / "rnafm.pth", "--as", "rnafm", "--weights-dir"]
    outcome = tool(*argv, "/proc/none")
    assert (outcome.code, outcome.stdout) == (1, "")
    assert "/proc/none: cannot be made: " in outcome.stderr
    outcome = tool(*argv, "/proc")
    assert outcome.code == 1
    assert "/proc/rnafm.safetensors: folder /proc cannot be written" in outcome.stderr


@contextlib.contextmanager
def no_file_above(size):
    """A limit on the size of files, which stands in for the full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_leaves_yesterdays_weights(run, expect_refusal, published, weights):
    run("import", published / "rnafm.pth", "--as", "rnafm")
    words = f"{weights}/rnafm.safetensors: file too large"
    with no_file_above(1000):
        expect_refusal(1, words, "import", published / "other.pth", "--as", "rnafm", "--replace")
        parts = [published / "model.pt", published / "model.pt"]
        words = ".generrna.joined: file too large"
        expect_refusal(1, words, "import", *parts, "--as", "generrna", "--tokenizer", published)
    assert hidden(weights) == []


def test_what_a_killed_import_left_is_removed_by_the_next(run, published, weights):
    weights.mkdir()
    (weights / ".rnafm.safetensors.123.part").write_text("half")
    assert run("import", published / "rnafm.pth", "--as", "rnafm").code == 0
    assert hidden(weights) == []


def test_two_imports_at_once_both_succeed(published, weights):
    settings = {"weights_dir": str(weights), "tokenizer": None, "replace": False}
    with ThreadPoolExecutor() as pool:
        jobs = [
            pool.submit(importing.import_weights, "rnafm", [str(published / "rnafm.pth")], **settings) for _ in "12"
        ]
        assert sorted(job.result(timeout=DEADLINE).new for job in jobs) == [False, True]
    assert list(visible(weights)) == ["rnafm.safetensors"]
    assert hidden(weights) == []


def test_the_report_tells_digests_and_no_path(run, published, tmp_path):
    report = tmp_path / "report.json"
    run("import", published / "rnafm.pth", "--as", "rnafm", "--report", report)
    text = report.read_text()
    content = json.loads(text)
    assert content["tool"] == "cupid-weights"
    assert content["inputs"]["files"] == [hashlib.sha256((published / "rnafm.pth").read_bytes()).hexdigest()]
    assert content["weights"]["new"] is True
    assert str(tmp_path) not in text


# list, verify, where


def test_list_and_where_tell_what_is_there(run, published, weights):
    assert run("list").stdout == "name\tstate\tbytes\tfingerprint\tlicence\tpath\nrnafm\tmissing\t\t\t\t\n" + (
        "generrna\tmissing\t\t\t\t\n"
    )
    run("import", published / "rnafm.pth", "--as", "rnafm")
    path = weights / "rnafm.safetensors"
    fingerprint = library.load("rnafm", str(weights))[1]
    row = f"rnafm\tthere\t{path.stat().st_size}\t{fingerprint}\tApache-2.0\t{path}\n"
    assert row in run("list").stdout
    assert run("where", "rnafm").stdout == f"{path}\n"
    assert run("where").stdout == f"{weights}\n"


def test_where_and_verify_say_what_is_missing(expect_refusal):
    expect_refusal(4, "'cupid-weights fetch rnafm", "where", "rnafm")
    expect_refusal(4, "'cupid-weights import FILE --as generrna", "verify", "generrna")
    expect_refusal(4, "there are no weights", "verify")


def test_weights_of_a_system_installation_are_found(tool, monkeypatch, published, tmp_path):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "own"))
    monkeypatch.setenv("XDG_DATA_DIRS", str(tmp_path / "shared"))
    shared = tmp_path / "shared" / "cupid-tools" / "weights"
    tool("weights", "import", published / "rnafm.pth", "--as", "rnafm", "--weights-dir", shared)
    shared.chmod(0o555)
    assert tool("weights", "where", "rnafm").stdout == f"{shared}/rnafm.safetensors\n"
    assert tool("weights", "verify").code == 0
    assert f"\t{shared}/rnafm.safetensors\n" in tool("weights", "list").stdout
    assert not (tmp_path / "own").exists()


def test_verify_finds_a_single_changed_bit(run, expect_refusal, published, weights):
    run("import", published / "rnafm.pth", "--as", "rnafm")
    assert run("verify").code == 0
    path = weights / "rnafm.safetensors"
    content = bytearray(path.read_bytes())
    content[-1000] ^= 1
    path.write_bytes(content)
    expect_refusal(3, f"{path}: does not have the fingerprint that it names", "verify", "rnafm")


def test_weights_that_are_cut_short_are_refused_and_listed_as_damaged(run, expect_refusal, published, weights):
    run("import", published / "rnafm.pth", "--as", "rnafm")
    path = weights / "rnafm.safetensors"
    path.write_bytes(path.read_bytes()[:-1000])
    expect_refusal(3, f"{path}: is not a complete safetensors file", "verify")
    outcome = run("list")
    assert outcome.code == 0
    assert f"rnafm\tdamaged\t{path.stat().st_size}\t\t\t{path}\n" in outcome.stdout
    assert "WARNING" in outcome.stderr
    expect_refusal(3, "with --replace", "import", published / "rnafm.pth", "--as", "rnafm")
    assert run("import", published / "rnafm.pth", "--as", "rnafm", "--replace").code == 0
    assert run("verify").code == 0


def test_a_file_under_the_name_of_another_model_is_listed_as_damaged(run, expect_refusal, published, weights):
    run("import", published / "rnafm.pth", "--as", "rnafm")
    path = (weights / "rnafm.safetensors").rename(weights / "generrna.safetensors")
    words = f"{path}: holds the weights of rnafm, not of generrna"
    expect_refusal(3, words, "verify")
    expect_refusal(3, words, "fetch", "generrna")
    outcome = run("list")
    assert f"generrna\tdamaged\t{path.stat().st_size}\t\t\t{path}\n" in outcome.stdout
    assert words in outcome.stderr


def test_list_and_where_need_no_torch(run, published, weights):
    run("import", published / "rnafm.pth", "--as", "rnafm")
    code = "import sys; sys.modules['torch'] = None; from cupid_tools.cli.weights import main; sys.exit(main())"
    for command, words in (("list", "rnafm\tthere\t"), ("where", str(weights))):
        argv = [sys.executable, "-c", code, command, "--weights-dir", weights]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=DEADLINE)
        assert (done.returncode, done.stderr) == (0, "")
        assert words in done.stdout


def test_words_that_are_no_names_are_usage_errors(tool):
    for argv in (["where", "bert"], ["verify", "bert"], ["fetch", "bert"], ["import", "file", "--as", "bert"], []):
        outcome = tool("weights", *argv)
        assert (outcome.code, outcome.stdout) == (2, "")
        assert "cupid-weights: ERROR: " in outcome.stderr


# fetch


class Server(http.server.ThreadingHTTPServer):
    """Serves *content*, and misbehaves as the next of *tricks* says; the last one stays.

    A trick is a dict of: status; headers; cut (bytes after which the connection breaks off); longer (what is added to
    the true length); deaf (to Range); content; stall (waits after cut until released); unsized (no length);
    extra (bytes behind the end of the file).
    """

    daemon_threads = True

    def __init__(self, content):
        super().__init__(("127.0.0.1", 0), Handler)
        self.content, self.tricks, self.ranges = content, [{}], []
        self.released = threading.Event()

    def handle_error(self, request, client_address):
        """Clients that leave early are what is tested."""

    def url(self, path="model"):
        return f"http://127.0.0.1:{self.server_port}/{path}"


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        server = self.server
        trick = server.tricks.pop(0) if len(server.tricks) > 1 else server.tricks[0]
        asked = self.headers.get("Range")
        server.ranges.append(asked)
        content = trick.get("content", server.content)
        content = content.get(self.path.lstrip("/"), b"") if isinstance(content, dict) else content
        tag = '"' + hashlib.sha256(content).hexdigest()[:8] + '"'
        begin = int(asked[6:-1]) if asked and not trick.get("deaf") else 0
        if self.headers.get("If-Range", tag) != tag:
            begin = 0
        status = trick.get("status", 206 if begin else 200)
        if begin >= len(content) > 0:
            status, body = 416, b""
        else:
            body = content[begin:] + trick.get("extra", b"") if status in (200, 206) else b"<html>sorry</html>"
        self.send_response(status)
        if status == 206:
            self.send_header("Content-Range", f"bytes {begin}-{len(content) - 1}/{len(content)}")
        if status == 416:
            self.send_header("Content-Range", f"bytes */{len(content)}")
        if not trick.get("unsized"):
            self.send_header("Content-Length", str(len(body) + trick.get("longer", 0)))
        for name, value in ({"ETag": tag} | trick.get("headers", {})).items():
            if value:
                self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body[: trick.get("cut", len(body))])
        if trick.get("stall"):
            self.wfile.flush()
            server.released.wait(DEADLINE)

    def log_message(self, *words):
        pass


@pytest.fixture
def server(published, monkeypatch):
    monkeypatch.setattr(downloading, "FIRST_WAIT_S", 0)
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    with Server((published / "rnafm.pth").read_bytes()) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.released.set()
        server.shutdown()
        thread.join()


@pytest.fixture
def expected(tool, published, tmp_path):
    """The weights as an import gives them."""
    tool("weights", "import", published / "rnafm.pth", "--as", "rnafm", "--weights-dir", tmp_path / "expected")
    return visible(tmp_path / "expected")


@pytest.fixture
def expect_fetch(run, server, weights, expected):
    """Assert that fetching RNA-FM succeeds."""

    def check(*args):
        outcome = run("fetch", "rnafm", "--url", server.url(), *args)
        assert outcome.code == 0, outcome
        assert visible(weights) == expected
        assert hidden(weights) == []
        return outcome

    return check


def test_fetch_downloads_imports_and_clears_up(expect_fetch, server):
    digest = hashlib.sha256(server.content).hexdigest()
    assert f"no checksum of {server.url()} is known; what came has SHA-256 {digest}" in expect_fetch().stderr
    assert server.ranges == [None]


def test_fetch_with_a_checksum(expect_fetch, server):
    assert "WARNING" not in expect_fetch("--sha256", hashlib.sha256(server.content).hexdigest().upper()).stderr


def test_a_broken_connection_is_continued(expect_fetch, server):
    server.tricks = [{"cut": 100_000}, {"cut": 100_000}, {}]
    assert "the connection broke off after 100,000 of" in expect_fetch().stderr
    assert server.ranges == [None, "bytes=100000-", "bytes=200000-"]


def test_a_server_that_ignores_ranges_is_read_from_the_start(expect_fetch, server):
    server.tricks = [{"cut": 100_000}, {"deaf": True}]
    expect_fetch()
    assert server.ranges == [None, "bytes=100000-"]


def test_a_file_that_has_changed_meanwhile_is_read_from_the_start(expect_fetch, server, published):
    server.tricks = [{"content": (published / "other.pth").read_bytes(), "cut": 100_000}, {}]
    expect_fetch()
    assert server.ranges == [None, "bytes=100000-"]


def test_without_a_version_and_a_checksum_nothing_is_continued(expect_fetch, server):
    server.tricks = [{"cut": 100_000, "headers": {"ETag": None}}, {"headers": {"ETag": None}}]
    expect_fetch()
    assert server.ranges == [None, None]


def test_a_checksum_permits_to_continue_without_a_version(expect_fetch, server):
    server.tricks = [{"cut": 100_000, "headers": {"ETag": None}}, {"headers": {"ETag": 'W/"weak"'}}]
    expect_fetch("--sha256", hashlib.sha256(server.content).hexdigest())
    assert server.ranges == [None, "bytes=100000-"]


def test_bytes_of_another_address_are_not_continued(expect_fetch, expect_refusal, server):
    checksum = ["--sha256", hashlib.sha256(server.content).hexdigest()]
    server.tricks = [{"cut": 100_000}, {"status": 404}]
    expect_refusal(4, "404", "fetch", "rnafm", "--url", server.url("elsewhere"), *checksum)
    server.tricks, server.ranges = [{}], []
    expect_fetch(*checksum)
    assert server.ranges == [None]


def test_a_disk_that_was_full_is_no_reason_to_start_again(expect_fetch, expect_refusal, server):
    with no_file_above(100_000):
        words = "weights/.rnafm.download: file too large"
        expect_refusal(1, words, "fetch", "rnafm", "--url", server.url())
    expect_fetch()
    assert server.ranges == [None, "bytes=100000-"]


def test_errors_of_the_server_are_waited_out(expect_fetch, server):
    server.tricks = [{"status": 503}, {"status": 500}, {"status": 429}, {}]
    assert "the server answers 503 Service Unavailable; trying again" in expect_fetch().stderr


def test_a_redirect_is_followed(expect_fetch, server):
    server.tricks = [{"status": 302, "headers": {"Location": server.url("there")}}, {}]
    expect_fetch()


def test_a_redirect_may_not_leave_https():
    request = urllib.request.Request("https://example.org/a")
    with pytest.raises(CupidError, match=r"leads to http://example.+, which is not encrypted"):
        downloading._Redirects().redirect_request(request, None, 302, "Found", {}, "http://example.org/b")


def test_a_server_that_always_breaks_off_ends_with_a_sentence(expect_refusal, server, weights):
    server.tricks = [{"cut": 100_000, "deaf": True}]
    expect_refusal(4, "6 times in a row (the same command goes on", "fetch", "rnafm", "--url", server.url())
    assert len(server.ranges) == 6
    assert ".rnafm.download" in hidden(weights)


def test_a_server_that_takes_back_what_it_sent_ends_with_a_sentence(expect_refusal, server):
    server.tricks = [{"cut": 100_000}, {"status": 416}] * 20
    expect_refusal(4, "6 times in a row (the same command goes on", "fetch", "rnafm", "--url", server.url())
    assert len(server.ranges) == 6


def test_a_length_that_is_too_long_is_not_believed(expect_refusal, expect_fetch, server):
    server.tricks = [{"longer": 1000, "deaf": True}]
    expect_refusal(4, "the connection broke off after", "fetch", "rnafm", "--url", server.url())
    server.tricks = [{"longer": 1000}, {}]
    expect_fetch()  # the second server answers that it has nothing further


def test_a_length_that_is_too_short_gives_no_weights(expect_refusal, expect_fetch, server, weights):
    server.tricks = [{"longer": -1000}]
    expect_refusal(3, f"{server.url()}: is cut short or damaged", "fetch", "rnafm", "--url", server.url())
    digest = hashlib.sha256(server.content).hexdigest()
    expect_refusal(1, f"not {digest}", "fetch", "rnafm", "--url", server.url(), "--sha256", digest)
    server.tricks, server.ranges = [{}], []
    expect_fetch()
    assert server.ranges == [None]


def test_a_length_that_is_not_told_is_not_needed(expect_fetch, server):
    server.tricks = [{"unsized": True}]
    expect_fetch()


def test_more_bytes_than_the_server_announces_are_removed_and_refused(expect_refusal, expect_fetch, server, weights):
    server.tricks = [{"cut": 100_000}, {"extra": b"?"}]
    words = f"the server sent more than {len(server.content):,} bytes"
    expect_refusal(1, f"{server.url()}: {words}", "fetch", "rnafm", "--url", server.url())
    assert hidden(weights) == []


def test_wrong_bytes_are_removed_and_refused(expect_refusal, expect_fetch, server):
    digest = hashlib.sha256(server.content).hexdigest()
    server.tricks = [{"content": server.content[:-1] + b"?"}]
    expect_refusal(1, f"{server.url()}: has SHA-256 ", "fetch", "rnafm", "--url", server.url(), "--sha256", digest)
    server.tricks, server.ranges = [{}], []
    expect_fetch("--sha256", digest)
    assert server.ranges == [None]


@pytest.mark.parametrize(
    "content", [b"<html>log in first</html>", b"", b"\x80\x02}q\x00."], ids=["html", "empty", "{}"]
)
def test_something_else_is_refused_and_removed(expect_refusal, server, weights, content):
    server.tricks = [{"content": content}]
    expect_refusal(3, f"{server.url()}: ", "fetch", "rnafm", "--url", server.url())
    assert hidden(weights) == []


@pytest.mark.parametrize(("status", "words"), [(404, "answers 404 Not Found"), (403, "answers 403 Forbidden")])
def test_a_refusal_is_told_at_once(expect_refusal, server, status, words):
    server.tricks = [{"status": status}]
    assert "cupid-weights import" in expect_refusal(4, words, "fetch", "rnafm", "--url", server.url())
    assert len(server.ranges) == 1


def test_a_failure_leaves_yesterdays_weights(run, expect_refusal, published, server):
    run("import", published / "other.pth", "--as", "rnafm")
    server.tricks = [{"longer": -1000}]
    expect_refusal(3, "is cut short", "fetch", "rnafm", "--url", server.url(), "--replace")


def test_without_internet_one_sentence_tells_what_to_do(expect_refusal, server, weights):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/model"
    line = expect_refusal(4, f"{url}: no connection: connection refused", "fetch", "rnafm", "--url", url)
    assert "cupid-weights import" in line
    assert hidden(weights) == []


def test_what_is_there_is_not_fetched_again(run, published, server, expected, weights):
    run("import", published / "rnafm.pth", "--as", "rnafm")
    outcome = run("fetch", "rnafm", "--url", server.url())
    assert outcome.code == 0
    assert "there already" in outcome.stderr
    assert server.ranges == []


def test_what_is_there_must_come_from_a_file_of_the_checksum(run, expect_refusal, published, server, weights):
    run("import", published / "rnafm.pth", "--as", "rnafm")
    fetch = ["fetch", "rnafm", "--url", server.url(), "--sha256"]
    line = expect_refusal(
        2, f"from a file of SHA-256 {digest(published / 'rnafm.pth')}, not {'0' * 64}", *fetch, "0" * 64
    )
    assert line.endswith("(--replace puts these in their place)")
    for source in (published / "rnafm.pth", weights / "rnafm.safetensors"):  # which may have been fetched itself
        assert "there already" in run(*fetch, digest(source)).stderr
    assert server.ranges == []


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("url", ["ftp://example.org/a", "file:///etc/passwd", "example.org", "https://", "http:///a"])
def test_other_addresses_are_usage_errors(tool, url):
    assert tool("weights", "fetch", "rnafm", "--url", url).code == 2


@pytest.mark.parametrize("url", ["http://a b/c", "http://a..b/c"])
def test_an_address_that_cannot_be_one_is_a_usage_error(expect_refusal, server, url):
    expect_refusal(2, f"{url}: is no address: ", "fetch", "rnafm", "--url", url)


def test_a_checksum_must_be_one(tool):
    assert tool("weights", "fetch", "rnafm", "--sha256", "abc").code == 2


def wait_for(condition):
    limit = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < limit
        time.sleep(0.01)


@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGTERM])
def test_a_killed_run_is_continued_by_the_same_command(expect_fetch, server, weights, sent):
    server.tricks = [{"cut": 100_000, "stall": True}, {}]
    download = weights / ".rnafm.download"
    with start("fetch", "rnafm", "--url", server.url(), "--weights-dir", weights) as process:
        wait_for(lambda: download.exists() and download.stat().st_size > 0)
        process.send_signal(sent)
        process.communicate(timeout=DEADLINE)
    assert process.returncode == (130 if sent == signal.SIGTERM else -sent)
    assert visible(weights) == {}
    have = download.stat().st_size
    expect_fetch()
    assert server.ranges == [None, f"bytes={have}-"]


def test_a_run_killed_before_the_import_needs_no_second_download(expect_fetch, server, monkeypatch, run, weights):
    def killed(*args, **options):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(importing, "install", killed)
        assert run("fetch", "rnafm", "--url", server.url()).code == 130
    server.tricks = [{"cut": 0}]
    expect_fetch()
    assert server.ranges == [None, f"bytes={len(server.content)}-"]


def test_two_processes_download_once(server, weights, expected):
    server.content = expected["rnafm.safetensors"]  # which is imported in less time
    server.tricks = [{"cut": 1000, "stall": True}, {}]
    argv = ["fetch", "rnafm", "--url", server.url(), "--weights-dir", weights]
    first = start(*argv)
    wait_for(lambda: server.ranges)
    second = start(*argv, bufsize=1)
    assert "another process is bringing rnafm" in second.stderr.readline()
    server.released.set()
    errors = [process.communicate(timeout=DEADLINE)[1] for process in (first, second)]
    assert [first.returncode, second.returncode] == [0, 0], errors
    assert "there already" in errors[1]
    assert visible(weights) == expected
    assert server.ranges == [None, "bytes=1000-"]


@pytest.fixture
def generrna(server, published, monkeypatch):
    """GenerRNA and its tokenizer, on our server."""
    server.content = {name: (published / name).read_bytes() for name in ("model.pt", "tokenizer.json")}
    checkpoint = RemoteFile(server.url("model.pt"), digest(published / "model.pt"))
    source = Source(checkpoint, RemoteFile(server.url("tokenizer.json")), "MIT")
    monkeypatch.setitem(catalogue.SOURCES, "generrna", source)
    return server


def test_the_tokenizer_is_fetched_too(run, generrna, published, weights, tool, tmp_path):
    generrna.tricks = [{"cut": 10_000}, {}]
    outcome = run("fetch", "generrna")
    assert outcome.code == 0, outcome
    assert generrna.ranges == [None, "bytes=10000-", None]
    argv = ["import", published / "model.pt", "--as", "generrna", "--tokenizer", published]
    tool("weights", *argv, "--weights-dir", tmp_path / "expected")
    assert visible(weights) == visible(tmp_path / "expected")
    assert hidden(weights) == []


def test_a_checkpoint_unlike_the_checksum_of_its_authors_is_refused(expect_refusal, generrna, published):
    generrna.content["model.pt"] = generrna.content["model.pt"][:-1] + b"?"
    words = f"{generrna.url('model.pt')}: has SHA-256 "
    assert f"not {digest(published / 'model.pt')}" in expect_refusal(1, words, "fetch", "generrna")


def test_a_checkpoint_waits_for_its_tokenizer(run, expect_refusal, generrna):
    generrna.tricks = [{}, {"status": 404}]
    expect_refusal(4, f"{generrna.url('tokenizer.json')}: the server answers 404", "fetch", "generrna")
    generrna.tricks, generrna.ranges = [{}], []
    assert run("fetch", "generrna").code == 0
    assert generrna.ranges == [f"bytes={len(generrna.content['model.pt'])}-", None]


def test_a_tokenizer_that_is_none_is_told_before_the_download(expect_refusal, generrna, published):
    expect_refusal(3, "rnafm.pth: is no JSON", "fetch", "generrna", "--tokenizer", published / "rnafm.pth")
    expect_refusal(1, "none: no such file", "fetch", "generrna", "--tokenizer", "none")
    assert generrna.ranges == []


def test_a_file_of_ours_brings_its_own_tokenizer(tool, run, generrna, published, weights, tmp_path):
    argv = ["import", published / "model.pt", "--as", "generrna", "--tokenizer", published]
    tool("weights", *argv, "--weights-dir", tmp_path / "other")
    generrna.content = {"generrna.safetensors": (tmp_path / "other" / "generrna.safetensors").read_bytes()}
    assert run("fetch", "generrna", "--url", generrna.url("generrna.safetensors")).code == 0
    assert visible(weights) == visible(tmp_path / "other")
    assert len(generrna.ranges) == 1
