"""Where two RNAs pair and what a score rests on: planted answers are found, in tables, drawings and words."""

import re
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.special import expit

from cupid_tools.errors import OutOfMemoryError
from cupid_tools.interaction.drawing import columns_of, draw
from cupid_tools.interaction.duplex.explain import duplex_of
from cupid_tools.interaction.explanation import (
    MEMBER,
    MODEL,
    THERMODYNAMICS,
    Explanation,
    Side,
    in_words,
    stretch_that_matters,
)
from cupid_tools.models.checkpoint import Model, ModelInfo
from cupid_tools.models.classifiers.blend import Blend
from cupid_tools.models.classifiers.duplex import Duplex
from cupid_tools.models.encoders.kmer import KmerEncoder
from cupid_tools.models.explaining import best_pairs, explain_pairs, importance_of, windows
from cupid_tools.models.sources import EmbeddedRnas, RnaSequences
from cupid_tools.vocab import Rna

GUIDE = "UGAGGUAGUAGGUUGUAUAGUU"
SITE = "AACUAUACAACCUACUACCUCA"
FILLER = np.random.default_rng(3).choice(list("ACA"), 400)
TARGET = "".join(FILLER[:150]) + SITE + "".join(FILLER[150:])


def model_of(classifier, name="stub", dim=0):
    return Model(ModelInfo(name, {}, dim, None, 0.5, {}, {}, {}), classifier)


def sequences(rnas):
    return RnaSequences(rnas, "rnas.fa")


class Finder:
    """Log odds 3 where the second of the words stands in one RNA and the first in the other, else -1."""

    def __init__(self, *words):
        self.words = words
        self.asked = []

    def scorer(self, rnas):
        self.asked = list(rnas)
        return self

    def scores(self, first, second):
        one, two = self.words
        found = [
            (one in self.asked[a] and two in self.asked[b]) or (two in self.asked[a] and one in self.asked[b])
            for a, b in zip(first, second, strict=True)
        ]
        return expit(np.where(found, 3.0, -1.0))


@pytest.mark.parametrize("length", [1, 2, 3, 4, 22, 96, 97, 192, 193, 1000, 10_001])
def test_windows_cover_an_rna_in_about_a_hundred_scores(length):
    found = windows(Rna("x", "A" * length))
    covered = np.zeros(length, dtype=int)
    for start, end in found:
        assert 0 <= start < end <= length
        covered[start:end] += 1
    assert covered.min() >= 1
    assert len({end - start for start, end in found}) == 1
    assert len(set(found)) == len(found) <= 96


def test_what_a_score_rests_on_is_found_by_hiding_it():
    guide, target = Rna("g", "CCCGAGGUAGCCCCCCCCCCCC"), Rna("t", "A" * 300 + "CUACCUC" + "A" * 300)
    for_guide, for_target = importance_of(model_of(Finder("GAGGUAG", "CUACCUC")), guide, target, sequences)
    assert for_guide[3:10] == pytest.approx(4)
    assert not for_guide[:3].any()
    assert not for_guide[10:].any()
    assert for_target[300:307] == pytest.approx(4)
    step = 7  # of 607 nt
    assert not for_target[: 300 - step].any()
    assert not for_target[307 + step :].any()


def test_where_a_score_rises_importance_is_negative_and_where_it_does_either_0():
    class Mixed(Finder):
        def scores(self, first, second):
            def odds(rna):
                hidden = [place for place, letter in enumerate(rna) if letter == "N"]
                return 0.0 if not hidden else 1.0 if hidden[0] < 4 else -1.0 if hidden[0] > 10 else 0.0

            return expit(np.array([odds(self.asked[a]) for a in first]))

    first, _ = importance_of(model_of(Mixed()), Rna("a", "A" * 22), Rna("b", "A"), sequences)
    assert first[:4] == pytest.approx(-1)
    assert not first[4:13].any()
    assert first[13:] == pytest.approx(1)


def test_importance_through_an_encoder():
    """A classifier of vectors that looks at the share of G alone: G matters, a stretch without does not."""

    class ShareOfG(Finder):
        def scores(self, first, second):
            return expit(self.asked_vectors[first, 2] + 0 * second)

        def scorer(self, rnas):
            self.asked_vectors = rnas.astype(np.float64)
            return self

    encoder = KmerEncoder()
    meet = lambda rnas: EmbeddedRnas(rnas, encoder, "rnas.fa")  # noqa: E731
    model = model_of(ShareOfG(), dim=encoder.dim)
    first, second = importance_of(model, Rna("a", "A" * 20 + "GGG" + "A" * 20), Rna("b", "ACGU" * 9), meet)
    assert first[21] == max(first) > 0.2
    assert first[:15].max() < 0  # what is left holds more G
    assert not second.any()


@pytest.fixture(scope="module")
def planted():
    rnas = {"mir": Rna("mir", GUIDE, "miRNA"), "lnc": Rna("lnc", TARGET, "lncRNA")}
    table = pd.DataFrame({"id_a": ["mir", "lnc"], "id_b": ["lnc", "mir"], "score": ["0.9", "0.9"]})
    return list(explain_pairs(table, model_of(Duplex(Duplex.Config(), 0), "duplex"), rnas, sequences))


def test_a_planted_site_is_where_they_pair(planted):
    found = planted[0]
    assert found.source == MODEL
    assert (found.duplex.second_start, found.duplex.second_end) == (151, 172)
    assert found.duplex.structure == "(" * 22 + "&" + ")" * 22
    assert found.first.pairing.min() > 0.5
    assert found.second.pairing[150:172].mean() > 0.9
    assert found.second.pairing[:140].max() < 0.1
    assert found.second.pairing.max() <= 1
    assert found.first.importance is None


def test_explaining_b_with_a_is_the_mirror_of_a_with_b(planted):
    one, other = planted
    assert (one.first.rna.id, other.first.rna.id) == ("mir", "lnc")
    assert other.turned().duplex == one.duplex
    np.testing.assert_array_equal(one.first.pairing, other.second.pairing)
    np.testing.assert_array_equal(one.second.pairing, other.first.pairing)
    assert draw(one) == draw(other)
    assert in_words(one) == in_words(other)


def test_importance_is_mirrored_too():
    rnas = {"g": Rna("g", GUIDE, "miRNA"), "t": Rna("t", TARGET)}
    table = pd.DataFrame({"id_a": ["g", "t"], "id_b": ["t", "g"], "score": ["0.9", "0.9"]})
    one, other = explain_pairs(table, model_of(Finder("GAGGUAG", "CUACCUC")), rnas, sequences)
    assert one.source == THERMODYNAMICS
    np.testing.assert_array_equal(one.first.importance, other.second.importance)
    np.testing.assert_array_equal(one.second.importance, other.first.importance)
    assert one.first.importance[1:8] == pytest.approx(4)
    assert draw(one) == draw(other)


def test_a_blend_shows_its_own_energy_and_what_all_of_it_rests_on():
    blend = Blend(Blend.Config(), 0)
    energy = blend.member("duplex").energy
    with torch.no_grad():
        energy.start += 30.0  # as if it had learned to pair at any price
    blend.scorer = Finder("GAGGUAG", "CUACCUC").scorer
    rnas = {"g": Rna("g", GUIDE, "miRNA"), "t": Rna("t", TARGET)}
    table = pd.DataFrame({"id_a": ["g"], "id_b": ["t"], "score": ["0.9"]})
    (found,) = explain_pairs(table, model_of(blend), rnas, sequences)
    assert found.source == MEMBER
    assert found.duplex.score > 50
    assert found.first.importance[1:8] == pytest.approx(4)
    assert "the energy that is part of the model" in draw(found)


def letters_of(svg):
    """The sequences that a drawing shows, above and below, from left to right."""
    root = ElementTree.fromstring(svg)
    texts = [text for text in root.iter("{http://www.w3.org/2000/svg}text") if text.get("class") in ("l", "l w")]
    rows = sorted({float(text.get("y")) for text in texts})
    middle = (rows[0] + rows[-1]) / 2
    sides = ([t for t in texts if float(t.get("y")) < middle], [t for t in texts if float(t.get("y")) > middle])
    return tuple("".join(t.text for t in sorted(side, key=lambda t: float(t.get("x")))) for side in sides)


def test_a_drawing_shows_the_letters_of_the_duplex(planted):
    svg = draw(planted[0])
    above, below = letters_of(svg)
    assert above == TARGET[142:180]
    assert below == GUIDE[::-1]
    assert svg.count("<title>mir ") == 22
    assert svg.count('stroke="#d99a16"') == 7 + 1  # the seed, and the legend
    assert ">151<" not in svg
    assert ">143<" in svg
    assert "<title>mir U1: pairs with probability " in svg


def sides(first, second, importance=None):
    return (
        Side(Rna("a", first), np.zeros(len(first)), importance and np.full(len(first), importance)),
        Side(Rna("b", second), np.zeros(len(second)), importance and np.full(len(second), importance)),
    )


def test_bulges_and_loops_have_columns_of_their_own():
    duplex = duplex_of(1.0, [(3, 9), (4, 8), (6, 5), (7, 4)])
    found = columns_of(duplex, (2, 1), (0, 3))
    assert [(column.above, column.below) for column in found] == [
        (1, None), (2, 10), (3, 9), (4, 8), (5, 7), (None, 6), (6, 5), (7, 4), (None, 3), (None, 2), (None, 1)
    ]  # fmt: skip
    assert [column.paired for column in found] == [False] * 2 + [True] * 2 + [False] * 2 + [True] * 2 + [False] * 3


def test_bonds_tell_watson_crick_from_wobble():
    first, second = sides("AGGA", "UUCU")
    svg = draw(Explanation(first, second, "0.5", duplex_of(1.0, [(1, 4), (2, 3), (3, 2), (4, 1)]), MODEL))
    assert svg.count("<circle") == 1
    assert svg.count("<path") == 3


def test_a_long_duplex_is_drawn_in_lines():
    first, second = sides("G" * 200, "C" * 200)
    svg = draw(Explanation(first, second, "0.5", duplex_of(9.0, [(k, 201 - k) for k in range(1, 201)]), MODEL))
    assert svg.count("<path") == 200
    assert float(re.search(r'width="(\d+)"', svg)[1]) < 1200


def test_rnas_that_cannot_pair_are_told():
    rnas = {"x": Rna("x", "A" * 22), "y": Rna("y", "ACCA" * 100 + "N")}
    table = pd.DataFrame({"id_a": ["x"], "id_b": ["y"], "score": ["0.1"]})
    (found,) = explain_pairs(table, model_of(Duplex(Duplex.Config(), 0)), rnas, sequences)
    assert found.duplex is None
    assert not found.first.pairing.any()
    assert "No nucleotide of one RNA can pair" in draw(found)
    assert in_words(found) == "No nucleotide of x can pair with one of y."


def test_any_id_makes_well_formed_xml(planted):
    name = 'a<b>&"\x01'
    found = planted[0]._replace(first=planted[0].first._replace(rna=Rna(name, GUIDE, "<script>")))
    svg = draw(found)
    assert letters_of(svg)[1] == GUIDE[::-1]
    assert "<script>" not in svg
    assert "\x01" not in svg


def test_the_stretch_that_matters():
    side = Side(Rna("x", "ACGUACGU"), np.zeros(8), np.array([0, 0.6, 1.0, 0.5, 0.4, 0.0, -2.0, 0.9]))
    assert stretch_that_matters(side) == (2, 4, 1.0)
    assert stretch_that_matters(side._replace(importance=np.zeros(8))) is None
    assert stretch_that_matters(side._replace(importance=np.full(8, -1.0))) is None


def test_words_say_what_pairs_and_whether_the_model_looks_there():
    duplex = duplex_of(1.0, [(2, 14), (3, 13), (4, 12)])
    rna = Rna("mir", "AGGU" + "A" * 6, "miRNA")
    target = Rna("lnc", "A" * 11 + "ACU" + "G" * 30)
    elsewhere = np.where(np.arange(44) > 30, 0.5, 0.0)
    guide = Side(rna, np.zeros(10), np.zeros(10))
    told = in_words(Explanation(guide, Side(target, np.full(44, 0.25), elsewhere), "1", duplex, THERMODYNAMICS))
    assert told == (
        "mir 2-4 pairs with lnc 12-14: 3 base pairs, 1 of them GU, with 3 of the seed's 7 nucleotides. This site is "
        "paired with a mean probability of 0.25. What the score rests on most: lnc 32-44 (log odds -0.50). In lnc that "
        "is not where this duplex lies."
    )
    flat = Side(target, np.full(44, 0.25), np.zeros(44))
    assert in_words(Explanation(guide, flat, "1", duplex, THERMODYNAMICS)).endswith(
        "Hiding any one stretch of either RNA hardly lowers the score."
    )


def test_the_best_pairs_of_a_table_in_blocks():
    rows = [("a", "b", "0.5"), ("c", "d", "0.9"), ("b", "a", "0.99"), ("x", "y", "0.9"), ("c", "a", "1e-5")]
    table = pd.DataFrame(rows, columns=["id_a", "id_b", "score"])
    blocks = [table[:2], table[2:3], table[3:]]
    best = best_pairs(blocks, 3)
    assert list(best.itertuples(index=False, name=None)) == [rows[1], rows[3], rows[0]]
    assert len(best_pairs(blocks, None)) == 4


def test_rnas_too_long_for_memory_are_named_before_it_is_taken():
    length = 20_000_000
    rnas = {name: Rna(name, letter * length) for name, letter in (("giant", "A"), ("titan", "U"))}
    pairs = pd.DataFrame({"id_a": ["giant"], "id_b": ["titan"], "score": ["0.5"]})
    with pytest.raises(OutOfMemoryError, match=r"giant and titan are too long .* 11,920,929.0 GiB"):
        next(explain_pairs(pairs, model_of(Duplex(Duplex.Config(), 0)), rnas, sequences))
