"""The embedding store: what is written is read, and what is incomplete or foreign is refused."""

import errno
import logging
import os
import re
from dataclasses import replace

import numpy as np
import pytest

from cupid_tools.errors import CupidError, InputError, UsageError
from cupid_tools.io.store import EmbeddingStore, StoreInfo, check_store_name
from cupid_tools.io.store_write import write_store
from cupid_tools.vocab import Rna

INFO = StoreInfo("kmer", "f1", "mean", "error")
RNAS = [Rna("a", "ACGU"), Rna("b", "GGGG"), Rna("a2", "ACGU")]


@pytest.fixture
def make(tmp_path):
    def write(name="all.npy", info=INFO, rnas=RNAS, vectors=None, rows=None):
        vectors = np.arange(6, dtype=np.float32).reshape(2, 3) if vectors is None else vectors
        path = tmp_path / name
        listed = [
            (rna.id, row, rna.digest, len(rna.sequence)) for rna, row in zip(rnas, rows or [0, 1, 0], strict=True)
        ]
        write_store(path, info, listed, [vectors[:1], vectors[1:]], shape=vectors.shape)
        return path

    return write


def test_an_error_of_the_system_is_not_taken_for_a_damaged_file(make, monkeypatch):
    path = make()

    def fail(*arguments, **options):
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))  # as mmap does, which does not know the file

    monkeypatch.setattr(np, "load", fail)
    with pytest.raises(OSError, match=rf"Too many open files: '{path}'"):
        EmbeddingStore([path])


def test_round_trip(make):
    path = make()
    store = EmbeddingStore([path])
    assert (store.info, store.dim, len(store), store.ids()) == (INFO, 3, 3, ["a", "b", "a2"])
    assert store.read(["b", "a", "a2"]).tolist() == [[3, 4, 5], [0, 1, 2], [0, 1, 2]]
    assert np.load(path).dtype == np.float32
    store.check_sequences({rna.id: rna for rna in RNAS})


def test_several_read_as_one(make):
    first = make("one.npy")
    second = make("two.npy", rnas=[Rna("c", "CC"), Rna("d", "UU")], rows=[0, 1])
    assert EmbeddingStore([first, second]).read(["d", "a"]).tolist() == [[3, 4, 5], [0, 1, 2]]


@pytest.mark.parametrize("field", ["encoder", "fingerprint", "pooling"])
def test_shards_of_another_encoder_are_refused(make, field):
    first = make("one.npy")
    second = make("two.npy", info=StoreInfo(**{**vars(INFO), field: "other"}))
    with pytest.raises(InputError, match=rf"two.npy: does not belong with .*one.npy: {field} \w+ and other"):
        EmbeddingStore([first, second])


def test_a_store_without_long_rnas_belongs_with_any_policy(make):
    fit, cut, split = (
        make(f"{long}.npy", info=replace(INFO, long=long)) for long in ("error", "truncate", "window:128")
    )
    assert EmbeddingStore([fit, cut]).info == EmbeddingStore([cut, fit]).info == replace(INFO, long="truncate")
    assert EmbeddingStore([fit, fit]).info.long == "error"
    with pytest.raises(InputError, match=r"window:128.npy: does not belong with .*error.npy: long truncate and window"):
        EmbeddingStore([fit, cut, split])


def test_stores_of_different_precision_are_read_with_one_warning(make, monkeypatch):
    told = []
    monkeypatch.setattr(logging.getLogger("cupid_tools"), "warning", lambda text, *args: told.append(text % args))
    paths = [
        make(f"{number}.npy", info=replace(INFO, precision=precision))
        for number, precision in enumerate(["fp32", "bf16", "bf16"])
    ]
    store = EmbeddingStore(paths)
    assert (store.info.precision, len(store)) == ("fp32", 3)
    assert len(told) == 1
    assert re.search(r"0\.npy has vectors in fp32, \S+2\.npy in bf16: scores", told[0])
    EmbeddingStore(paths[1:])
    assert len(told) == 1


def test_a_table_that_does_not_tell_the_precision_is_of_float32(make):
    path = make(info=replace(INFO, precision="bf16"))
    assert EmbeddingStore([path]).info.precision == "bf16"
    table = path.with_suffix(".tsv")
    table.write_text(table.read_text().replace("# precision=bf16\n", ""))
    assert EmbeddingStore([path]).info == INFO


def test_a_missing_row_is_told(make):
    with pytest.raises(InputError, match="holds no vector of RNA 'x'"):
        EmbeddingStore([make()]).read(["a", "x"])


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_nan_is_refused(make, value):
    vectors = np.array([[0, 1, 2], [3, value, 5]], dtype=np.float32)
    store = EmbeddingStore([make(vectors=vectors)])
    assert store.read(["a"]).tolist() == [[0, 1, 2]]
    with pytest.raises(InputError, match="vector of RNA 'b' holds NaN or infinity"):
        store.read(["a", "b"])


def test_a_truncated_npy_is_refused(make):
    path = make()
    path.write_bytes(path.read_bytes()[:-4])
    with pytest.raises(InputError, match="not a complete NPY file"):
        EmbeddingStore([path])


def test_without_its_table_a_store_is_not_complete(make):
    path = make()
    path.with_suffix(".tsv").unlink()
    with pytest.raises(InputError, match=r"all.tsv is missing beside it"):
        EmbeddingStore([path])


def test_a_table_that_names_too_many_rows_is_refused(make):
    path = make()
    np.save(path, np.zeros((1, 3), dtype=np.float32))
    with pytest.raises(InputError, match=r"all.tsv:\d+: names a row that the 1 vectors lack"):
        EmbeddingStore([path])


def test_another_sequence_under_the_same_id_is_told(make):
    with pytest.raises(InputError, match="RNA 'b' was embedded with another sequence"):
        EmbeddingStore([make()]).check_sequences({"b": Rna("b", "CCCC")})


def test_a_failed_write_leaves_the_old_store(make, tmp_path):
    path = make()
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}

    def blocks():
        yield np.zeros((1, 3), dtype=np.float32)
        raise CupidError("stop")

    with pytest.raises(CupidError, match="stop"):
        write_store(path, INFO, [], blocks(), shape=(2, 3))
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_pickled_arrays_are_refused(make):
    path = make()
    np.save(path, np.array([[{"code": 1}]], dtype=object), allow_pickle=True)
    with pytest.raises(InputError, match="not a complete NPY file"):
        EmbeddingStore([path])


def test_a_table_that_is_no_store_is_not_replaced(tmp_path):
    """pairs.tsv beside pairs.npy is a likely name."""
    (tmp_path / "pairs.tsv").write_text("id_a\tid_b\n")
    with pytest.raises(UsageError, match=r"pairs\.tsv exists, and is not the table of a store"):
        check_store_name(tmp_path / "pairs.npy")


def test_a_store_that_is_replaced_while_it_is_read(make):
    path = make("one.npy")
    store = EmbeddingStore([path])
    make("one.npy", rnas=[Rna("z", "GGG"), Rna("a", "ACGU")], rows=[0, 1])
    with pytest.raises(InputError, match=r"one\.npy: was replaced while it was read \(start again\)"):
        store.read(["a"])
