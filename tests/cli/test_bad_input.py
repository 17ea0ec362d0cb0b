"""Rubbish in: every tool says in one sentence what is wrong and where, and leaves nothing behind."""

import gzip
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.chain import FOLDERS, RNAS_ALONE

ALL = ["filter", "split", "augment", "negatives", "embed", "train", "score", "evaluate", "explain"]
ALL += ["intarna_compare", "reproduce", "pretrain", "classify"]
READ_FASTA = ["filter", "split", "augment", "negatives", "embed", "evaluate", "explain", "intarna_compare", "reproduce"]
READ_FASTA += ["pretrain", "classify"]
READ_PAIRS = [tool for tool in ALL if tool not in RNAS_ALONE]
READ_LABELS = ["train", "evaluate"]
SCORE = ["score", "explain"]
STREAMS = ["filter", "split", "augment", "negatives", "score", "intarna_compare"]


@pytest.fixture
def expect_refusal_in_chain(expect_refusal, chain):
    """Run a tool of the chain on bad inputs: it must exit with *code*, say *words*, and leave its old output alone."""

    def run(name, code, words, **inputs):
        argv = chain.argv(name, output="replaced", **inputs)
        del argv[argv.index("-o") : argv.index("-o") + 2]
        if name == "augment":
            argv[argv.index("--fasta-out") + 1] = "/dev/null"
        expect_refusal(code, words, name, *argv, suffix=Path(chain.target(name, "")).suffix)

    return run


@pytest.fixture
def bad(tmp_path):
    def write(content, name="bad"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(path)

    return write


BAD_FASTA = {
    "empty": ("", ": holds no RNA"),
    "no-header": ("ACGU\n", ":1: expected '>'"),
    "no-id": (">\nACGU\n", ":1: a header without an id"),
    "no-sequence": (">a\nACGU\n>b\n", ":3: RNA 'b' has no sequence"),
    "protein": (">a\nMKLV\n", ":1: RNA 'a' holds 'L'"),
    "not-utf8": (b">a\nACGU\n>\xff\nA\n", ":3: not UTF-8 text"),
    "cut-gzip": (gzip.compress(b">a\nACGU\n" * 2000)[:-9], ": gzip data is damaged or ends early"),
    "other-sequence": (">a\nACGU\n>a\nACGG\n", ":3: id 'a' occurs twice with different sequences"),
}


@pytest.mark.parametrize("case", BAD_FASTA)
@pytest.mark.parametrize("name", READ_FASTA)
def test_bad_fasta(expect_refusal_in_chain, bad, name, case):
    content, words = BAD_FASTA[case]
    path = bad(content)
    expect_refusal_in_chain(name, 3, f"{path}{words}", fasta=path)


@pytest.mark.parametrize("name", [name for name in READ_FASTA if name not in ("filter", "reproduce")])
def test_a_repeated_record_is_the_business_of_cupid_filter(expect_refusal_in_chain, bad, name):
    path = bad(">a\nACGU\n>a\nACGU\n")
    expect_refusal_in_chain(name, 3, f"{path}:3: id 'a' occurs twice (cupid-filter removes it)", fasta=path)


BAD_PAIRS = {
    "empty": ("", ": is empty"),
    "no-rows": ("id_a\tid_b\tlabel\tsplit\tscore\n", ": holds a header but no pairs"),
    "no-header": ("a\tb\n", ":1: column 'id_a' is missing"),
    "short-row": ("id_a\tid_b\tlabel\tsplit\tscore\na\tb\t1\n", ":2: 3 cells where the header has 5"),
    "space-in-id": ("id_a\tid_b\tlabel\tsplit\tscore\nmy rna\tb\t1\ttrain\t.5\n", ":2: id_a is 'my rna'"),
    "label-yes": ("id_a\tid_b\tlabel\tsplit\tscore\na\tb\tyes\ttrain\t.5\n", ":2: label is 'yes'"),
    "split-dev": ("id_a\tid_b\tlabel\tsplit\tscore\na\tb\t1\tdev\t.5\n", ":2: split is 'dev'"),
    "not-utf8": (b"id_a\tid_b\tlabel\tsplit\tscore\na\t\xff\t1\ttrain\t.5\n", ":2: not UTF-8 text"),
    "cut-gzip": (
        gzip.compress(b"id_a\tid_b\tlabel\tsplit\tscore\n" + b"a\tb\t1\ttrain\t1\n" * 2000)[:-9],
        ": gzip data is damaged or ends early",
    ),
}


@pytest.mark.parametrize("case", BAD_PAIRS)
@pytest.mark.parametrize("name", READ_PAIRS)
def test_bad_pairs(expect_refusal_in_chain, bad, name, case):
    content, words = BAD_PAIRS[case]
    path = bad(content)
    expect_refusal_in_chain(name, 3, f"{path}{words}", pairs=path)


@pytest.mark.parametrize("name", READ_PAIRS)
def test_an_id_without_a_sequence_or_vector(expect_refusal_in_chain, bad, name):
    given = "more" if name == "score" else "score"
    path = bad(f"id_a\tid_b\tlabel\tsplit\t{given}\nhsa-miR-424-5p\tno-such-rna\t1\ttrain\t0.5\n")
    expect_refusal_in_chain(name, 3, "no-such-rna", pairs=path)


@pytest.mark.parametrize("name", READ_LABELS)
@pytest.mark.parametrize("column", ["label", "split"])
def test_a_missing_column(expect_refusal_in_chain, bad, chain, name, column):
    lines = Path(chain.path("scores.tsv")).read_text().splitlines()
    place = lines[0].split("\t").index(column)
    rows = ["\t".join(cell for index, cell in enumerate(line.split("\t")) if index != place) for line in lines]
    path = bad("\n".join(rows) + "\n")
    expect_refusal_in_chain(name, 3, f"{path}:1: column '{column}' is missing", pairs=path)


@pytest.mark.parametrize("name", READ_LABELS)
def test_only_one_class(expect_refusal_in_chain, bad, chain, name):
    lines = Path(chain.path("scores.tsv")).read_text().splitlines()
    place = lines[0].split("\t").index("label")
    path = bad("\n".join([lines[0], *(line for line in lines[1:] if line.split("\t")[place] == "1")]) + "\n")
    expect_refusal_in_chain(name, 3, "negative", pairs=path)


@pytest.mark.parametrize("name", READ_LABELS)
def test_a_split_without_positives(expect_refusal_in_chain, bad, chain, name):
    lines = Path(chain.path("scores.tsv")).read_text().splitlines()
    label, split = (lines[0].split("\t").index(column) for column in ("label", "split"))
    wanted = "valid" if name == "train" else "test"
    kept = [line for line in lines[1:] if (line.split("\t")[label], line.split("\t")[split]) != ("1", wanted)]
    path = bad("\n".join([lines[0], *kept]) + "\n")
    expect_refusal_in_chain(name, 3, wanted, pairs=path)


@pytest.mark.parametrize("name", ["split", "negatives", "train", "evaluate"])
@pytest.mark.parametrize("case", ["self", "both-labels"])
def test_pairs_that_cupid_filter_removes(expect_refusal_in_chain, bad, chain, name, case):
    header, *lines = Path(chain.path("scores.tsv")).read_text().splitlines()
    columns = header.split("\t")
    cells = lines[0].split("\t")
    if case == "self":
        cells[columns.index("id_b")] = cells[columns.index("id_a")]
        words = f"pairs {cells[0]} with itself"
    else:
        cells[columns.index("label")] = "0" if cells[columns.index("label")] == "1" else "1"
        cells[0], cells[1] = cells[1], cells[0]
        words = f"pair {cells[0]}, {cells[1]} carries both labels"
    path = bad("\n".join([header, *lines, "\t".join(cells)]) + "\n")
    expect_refusal_in_chain(name, 3, f":{len(lines) + 2}: {words}", pairs=path)


STORES = {
    "missing-row": "is not in ",
    "cut-npy": "is not a complete NPY file",
    "nan": "holds NaN or infinity",
    "no-table": "is missing beside it",
}


@pytest.fixture
def spoilt_store(chain, tmp_path):
    def make(how):
        for suffix in (".npy", ".tsv"):
            shutil.copy(chain.path(f"all{suffix}"), tmp_path / f"store{suffix}")
        npy, table = tmp_path / "store.npy", tmp_path / "store.tsv"
        if how == "missing-row":
            lines = table.read_text().splitlines(keepends=True)
            table.write_text("".join(line for line in lines if not line.startswith("hsa-miR-424-5p\t")))
        elif how == "cut-npy":
            npy.write_bytes(npy.read_bytes()[:-100])
        elif how == "nan":
            np.save(npy, np.full_like(np.load(npy), np.nan))
        elif how == "no-table":
            table.unlink()
        elif how == "other-encoder":
            table.write_text(table.read_text().replace("# fingerprint=", "# fingerprint=other-"))
        return str(npy)

    return make


@pytest.mark.parametrize("case", STORES)
@pytest.mark.parametrize("name", ["train", *SCORE])
def test_spoilt_stores(expect_refusal_in_chain, spoilt_store, name, case):
    expect_refusal_in_chain(name, 3, STORES[case], store=spoilt_store(case))


@pytest.mark.parametrize("name", SCORE)
def test_a_store_of_another_encoder_is_refused_by_the_model(expect_refusal_in_chain, spoilt_store, name):
    expect_refusal_in_chain(name, 3, "fingerprint", store=spoilt_store("other-encoder"))


@pytest.mark.parametrize(
    "content", [b"", b"not a model", b"\x08\0\0\0\0\0\0\0{}      ", "cut"], ids=["empty", "text", "foreign", "cut"]
)
@pytest.mark.parametrize("name", SCORE)
def test_bad_models(expect_refusal_in_chain, bad, chain, name, content):
    model = Path(chain.path("model.safetensors")).read_bytes()[:-200] if content == "cut" else content
    path = bad(model, "bad.safetensors")
    expect_refusal_in_chain(name, 3, path, model=path)


@pytest.mark.parametrize("name", ALL)
def test_a_missing_input_is_an_io_error(expect_refusal_in_chain, name):
    expect_refusal_in_chain(
        name, 1, "none.tsv: no such file or directory", **{"fasta" if name in RNAS_ALONE else "pairs": "none.tsv"}
    )


@pytest.mark.parametrize("name", ALL)
def test_a_missing_folder_is_told_before_the_work(tool, chain, tmp_path, name):
    outcome = tool(name, *chain.argv(name, output=chain.target(name, tmp_path / "none")))
    assert outcome.code == 1
    assert "does not exist (create it first)" in outcome.stderr


@pytest.mark.parametrize("name", ALL)
def test_an_unwritable_folder_is_told_before_the_work(tool, chain, name):
    outcome = tool(name, *chain.argv(name, output=chain.target(name, "/proc")))
    assert outcome.code == 1
    assert "cannot be written" in outcome.stderr


@pytest.mark.parametrize("name", ALL)
def test_an_input_may_not_be_the_output(tool, chain, tmp_path, name):
    output = chain.target(name, tmp_path)
    if name in FOLDERS:
        os.mkdir(output)
    else:
        Path(output).write_text("precious\n")
    which = "fasta" if name in RNAS_ALONE else "pairs"
    outcome = tool(name, *chain.argv(name, output=output, **{which: output}))
    assert (outcome.code, outcome.stdout) == (2, "")
    assert "is named twice" in outcome.stderr
    assert name in FOLDERS or Path(output).read_text() == "precious\n"


def test_the_table_of_a_store_may_not_be_the_output(tool, chain):
    """A store is two files, and all.tsv is a name that scores might well get."""
    outcome = tool("score", *chain.argv("score", output=chain.path("all.tsv")))
    assert (outcome.code, outcome.stdout) == (2, "")
    assert "all.tsv is named twice" in outcome.stderr
