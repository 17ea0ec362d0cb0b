"""Compiled functions do without a folder for machine code, and say so."""

from cupid_tools.interaction import compiling


def test_without_a_cache_functions_compile_and_it_is_told_once(caplog):
    compiling._tell_of_no_cache.cache_clear()
    with caplog.at_level("INFO", logger="cupid_tools"):
        for number in (1, 2):
            names = {}
            exec(f"def add(x):\n    return x + {number}", names)  # a function of no file has no cache
            assert compiling.compiled(names["add"])(1) == 1 + number
    assert caplog.text.count("set NUMBA_CACHE_DIR to one that can") == 1
