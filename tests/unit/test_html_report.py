"""The page: well formed, needs no network, escapes hostile names, and says what the numbers say."""

import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from cupid_tools.evaluation.evaluate import evaluate
from cupid_tools.evaluation.experiment import prepare
from cupid_tools.evaluation.report import build
from cupid_tools.evaluation.settings import Options, Settings
from cupid_tools.io.pairs import PairTable
from cupid_tools.vocab import Rna

HOSTILE = "<script>alert(1)</script>&\"'$\\frac{$"
VOID = {"meta", "br", "img", "link", "input"}


class Checker(HTMLParser):
    """Collects ids and tags, and fails on tags that do not match."""

    def __init__(self):
        super().__init__()
        self.open, self.ids, self.tags, self.attributes = [], [], set(), []

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes += attrs
        self.ids += [value for name, value in attrs if name == "id"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def experiment(name, seed):
    rng = np.random.default_rng(seed)
    kinds = ["miRNA"] * 6 + [HOSTILE.replace(" ", "")] * 6
    rnas = {f"r{i}": Rna(f"r{i}", "".join(rng.choice(list("ACGU"), 40)), kind) for i, kind in enumerate(kinds)}
    a, b = rng.integers(0, 6, 300), rng.integers(0, 12, 300)
    pairs = pd.DataFrame({"id_a": [f"r{i}" for i in a], "id_b": [f"r{i}" for i in b]}, dtype=object)
    pairs = pairs[a < b].drop_duplicates().reset_index(drop=True)
    count = len(pairs)
    frame = pairs.assign(
        label=(np.arange(count) % 3 == 0).astype(np.int8),
        split=np.array(["train", "valid", "test"], dtype=object)[np.arange(count) // 4 % 3],
        score=rng.random(count).round(3).astype(str).astype(object),
        origin=np.where(np.arange(count) % 3 == 0, "observed", f"negative:{HOSTILE}").astype(object),
    )
    table = PairTable(frame, "scores.tsv")
    settings = Settings(seed=1, bootstrap=5, baselines=("degree-sum", "seed-match"))
    return evaluate(prepare(name, table, rnas, "rnas.fa", Options(seed=1)), settings), settings


@pytest.fixture(scope="module")
def files():
    one, settings = experiment("one", 1)
    other, _ = experiment(HOSTILE.replace("/", ""), 2)
    curves = {"epoch": np.arange(3.0), "train_loss": np.ones(3), "valid_loss": np.ones(3)}
    return build([one, other], [curves], HOSTILE, Options(seed=1), settings, {"scores": "0" * 64})


@pytest.fixture(scope="module")
def parsed(files):
    checker = Checker()
    checker.feed(files["report.html"])
    checker.close()
    assert checker.open == []
    return checker


def test_names_from_inputs_stay_text(files, parsed):
    assert "script" not in parsed.tags
    assert "<script" not in files["report.html"]
    assert "&lt;script&gt;alert(1)&lt;/script&gt;&amp;&quot;&#x27;$" in files["report.html"]


def test_identifiers_are_unique_and_links_lead_somewhere(files, parsed):
    assert len(parsed.ids) == len(set(parsed.ids))
    targets = {value[1:] for name, value in parsed.attributes if name.endswith("href") and value.startswith("#")}
    targets |= set(re.findall(r"url\(#([^)]*)\)", files["report.html"]))
    assert targets
    assert targets <= set(parsed.ids)


def test_the_page_needs_no_network(files, parsed):
    for name, value in parsed.attributes:
        if name in ("src", "href", "xlink:href"):
            assert value.startswith(("#", "data:")), (name, value)
    assert not {"link", "iframe", "script", "object"} & parsed.tags
    assert "@import" not in files["report.html"]
    assert not re.search(r"url\((?!#)", files["report.html"])


def test_the_page_is_for_all_readers(files, parsed):
    assert ("lang", "en") in parsed.attributes
    assert ("name", "viewport") in parsed.attributes
    labels = [value for name, value in parsed.attributes if name == "aria-label"]
    assert len(labels) == files["report.html"].count("<svg ") + 1


def test_figures_are_well_formed_and_hold_no_date(files):
    figures = {name: text for name, text in files.items() if name.endswith(".svg")}
    assert len(figures) == 9 + 8
    for text in figures.values():
        assert ET.fromstring(text).tag == "{http://www.w3.org/2000/svg}svg"
        assert "<dc:date>" not in text
        assert "202" not in re.sub(r"\d+\.\d+|[0-9a-f]{8,}", "", text)


def test_tables_hold_no_nan(files):
    for name in ("metrics.tsv", "gaps.tsv", "cupid_mqc.tsv", "summary.txt", "metrics.json"):
        assert not re.search(r"\bnan\b", files[name], re.IGNORECASE), name
    assert not re.search(r">[^<]*\bnan\b[^<]*<", files["report.html"])


def test_equal_inputs_give_equal_files(files):
    one, settings = experiment("one", 1)
    other, _ = experiment(HOSTILE.replace("/", ""), 2)
    curves = {"epoch": np.arange(3.0), "train_loss": np.ones(3), "valid_loss": np.ones(3)}
    assert build([one, other], [curves], HOSTILE, Options(seed=1), settings, {"scores": "0" * 64}) == files
