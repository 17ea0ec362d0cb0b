"""Every token of a long RNA counts once, and batches keep to their budget."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cupid_tools.errors import UsageError
from cupid_tools.models.encoders.windows import batch_end, check_overlap, equal_runs, windows_of


@st.composite
def long_rnas(draw):
    context = draw(st.integers(2, 40))
    return draw(st.integers(context + 1, 400)), context, draw(st.integers(0, context // 2))


@given(long_rnas(), st.booleans())
def test_every_token_is_owned_once_by_a_window_that_holds_it(case, causal):
    tokens, context, overlap = case
    windows = windows_of(3, tokens, context, "window", overlap=overlap, keep_last=False, causal=causal)
    owned = [token for window in windows for token in range(window.own_start, window.own_end)]
    assert owned == list(range(tokens))
    for window in windows:
        assert (window.rna, window.tokens) == (3, context)
        assert 0 <= window.start <= window.own_start < window.own_end <= window.end <= tokens


@given(long_rnas(), st.booleans())
def test_windows_are_as_few_as_can_be_and_share_the_overlap(case, causal):
    tokens, context, overlap = case
    windows = windows_of(0, tokens, context, "window", overlap=overlap, keep_last=False, causal=causal)
    fewest = next(n for n in range(1, tokens + 1) if n * context - (n - 1) * overlap >= tokens)
    assert len(windows) == fewest
    assert all(left.end - right.start >= overlap for left, right in pairwise(windows))


@given(long_rnas())
def test_a_token_counts_where_it_is_farther_from_an_end(case):
    tokens, context, overlap = case
    windows = windows_of(0, tokens, context, "window", overlap=overlap, keep_last=False, causal=False)
    for left, right in pairwise(windows):
        assert abs((left.end - left.own_end) - (right.own_start - right.start)) <= 1


@given(long_rnas())
def test_in_a_decoder_a_token_counts_where_it_has_most_before_it(case):
    tokens, context, overlap = case
    windows = windows_of(0, tokens, context, "window", overlap=overlap, keep_last=False, causal=True)
    assert all(left.own_end == left.end for left in windows)
    assert all(right.own_start - right.start >= overlap for right in windows[1:])


@pytest.mark.parametrize(("keep_last", "kept"), [(False, (0, 10)), (True, (15, 25))])
def test_truncate_keeps_the_first_or_the_last_tokens(keep_last, kept):
    (window,) = windows_of(0, 25, 10, "truncate", overlap=2, keep_last=keep_last, causal=False)
    assert (window.start, window.end) == (window.own_start, window.own_end) == kept


@pytest.mark.parametrize("policy", ["error", "truncate", "window"])
def test_an_rna_that_fits_is_one_window_under_every_policy(policy):
    assert windows_of(5, 10, 10, policy, overlap=2, keep_last=True, causal=False) == [(5, 0, 10, 0, 10)]


def test_overlaps_of_more_than_half_a_window_are_refused():
    check_overlap(5, 10)
    with pytest.raises(UsageError, match=r"windows of 10 tokens cannot overlap by 6 \(at most 5\)"):
        check_overlap(6, 10)


@given(st.lists(st.integers(1, 50), min_size=1, max_size=40), st.integers(1, 120))
def test_batches_cover_all_and_keep_to_the_budget(lengths, budget):
    start = 0
    while start < len(lengths):
        end = batch_end(lengths, start, budget)
        assert end > start
        assert end == start + 1 or sum(lengths[start:end]) <= budget
        assert end == len(lengths) or sum(lengths[start : end + 1]) > budget
        start = end


@given(st.lists(st.integers(1, 4), max_size=30))
def test_runs_tell_the_lengths_again(lengths):
    runs = equal_runs(lengths)
    assert [length for count, length in runs for _ in range(count)] == lengths
    assert all(left[1] != right[1] for left, right in pairwise(runs))
