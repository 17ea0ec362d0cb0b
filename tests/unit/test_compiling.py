"""Compiled functions do without a folder for machine code, and say so; threads are as many as are asked for."""

import importlib.util
import threading

import pytest
import torch

from cupid_tools.interaction import compiling
from cupid_tools.models.classifiers import by_features
from cupid_tools.models.classifiers.duplex import Duplex, DuplexConfig


@pytest.fixture
def loops(tmp_path):
    """Import a module of two functions that lies beside its machine code."""
    (tmp_path / "loops.py").write_text("def one(x):\n    return x + 1\n\n\ndef two(x):\n    return x + 2\n")
    spec = importlib.util.spec_from_file_location("loops", tmp_path / "loops.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_what_was_compiled_before_is_read_where_no_folder_can_be_written(loops, caplog, monkeypatch):
    """In an image that is read-only; all else is compiled, which is told once."""
    assert compiling.compiled(loops.one)(1) == 2
    compiling._tell_of_no_cache.cache_clear()

    def refuse(*args, **options):
        raise OSError("read-only file system")

    monkeypatch.setattr("numba.core.caching.tempfile.TemporaryFile", refuse)
    with caplog.at_level("INFO", logger="cupid_tools"):
        known = compiling.compiled(loops.one)
        assert known(1) == 2
        assert (sum(known.stats.cache_hits.values()), caplog.text) == (1, "")
        assert [compiling.compiled(loops.two)(1) for _ in range(2)] == [3, 3]
    assert caplog.text.count("set NUMBA_CACHE_DIR to one that can") == 1


@pytest.mark.parametrize("threads", [1, 2])
def test_work_is_shared_by_as_many_threads_as_are_asked_for(threads):
    met = set()
    both = threading.Barrier(threads, timeout=10)

    def work(block):
        met.add(threading.get_ident())
        both.wait()  # as many as asked for are here at once

    compiling.in_threads(threads, range(2), work)
    assert len(met) == threads
    assert (threading.get_ident() in met) == (threads == 1)


@pytest.fixture
def asked(monkeypatch):
    """How many threads each call asks for."""
    found = []
    real = compiling.in_threads
    for module in ("features", "duplex.energies"):
        name = f"cupid_tools.interaction.{module}.in_threads"
        monkeypatch.setattr(name, lambda threads, *rest: (found.append(threads), real(threads, *rest)))
    before = torch.get_num_threads()
    yield found
    torch.set_num_threads(before)


@pytest.mark.parametrize("threads", [1, 3])
def test_classifiers_of_sequences_use_the_threads_that_torch_uses(asked, threads):
    torch.set_num_threads(threads)
    pairs = torch.tensor([0]).numpy(), torch.tensor([1]).numpy()
    by_features.FeatureScorer(["ACGUACGUA", "UACGUACGU"], lambda features: features[:, 0]).scores(*pairs)
    Duplex(DuplexConfig(), 0).scorer(["ACGUACGUA", "UACGUACGU"]).scores(*pairs)
    assert asked == [threads, threads]
