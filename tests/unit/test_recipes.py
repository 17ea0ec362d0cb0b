"""The recipes are the published protocols, and a recipe of one's own is checked."""

from importlib.resources import files

import pytest

from cupid_tools.energy.engines import ENGINES
from cupid_tools.errors import CupidError, InputError, UsageError
from cupid_tools.models.classifiers import CLASSIFIERS
from cupid_tools.models.classifiers.mlp import MlpConfig
from cupid_tools.models.encoders import ENCODERS
from cupid_tools.models.encoders.settings import LONG_POLICIES, POOLINGS
from cupid_tools.models.pretraining import ARCHITECTURES
from cupid_tools.models.pretraining.network import NetworkSettings
from cupid_tools.models.pretraining.settings import PretrainSettings
from cupid_tools.models.training import TrainSettings
from cupid_tools.recipes import PAIRS, PRETRAINING, load_recipe, recipe_names, recipe_section
from cupid_tools.recipes.protocol import read_protocol
from cupid_tools.sampling.negatives import STRATEGIES
from cupid_tools.sampling.splits import SPLITTERS
from cupid_tools.vocab import type_pair

TYPES = ("miRNA", "lncRNA", "snoRNA")
PUBLISHED_NET = {"name": "mlp", "hidden_layers": 4, "hidden_size": 1024, "dropout": 0.2, "order": "free"}
PUBLISHED_TRAINING = {
    "learning_rate": 5e-4, "warmup_epochs": 4, "floor": 5e-5, "epochs": 50, "patience": 10, "batch_size": 512,
    "negative_share": 0.7, "select": "mcc",
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "length", "encoder"), [("mirinter-trans", 1022, "rnafm"), ("ncrna-cupid", 4096, "generrna")]
)
def test_the_published_numbers(name, length, encoder):
    recipe = load_recipe(name)
    assert recipe["filter"] == {"max_length": length}
    assert recipe["encoder"] == {"name": encoder, "pooling": "mean", "long": "truncate"}
    assert encoder in ENCODERS
    assert recipe["negatives"] == {"strategy": "type-matched", "per_positive": 20}
    assert recipe["split"] == {"by": "random", "test_fraction": 0.1, "valid_fraction": 0.2, "valid_of": "rows"}
    assert recipe["augment"] == {"how": ["swap", "flip", "both"], "splits": ["train", "valid", "test"]}
    assert recipe["classifier"] == PUBLISHED_NET
    assert recipe["training"] == PUBLISHED_TRAINING


@pytest.mark.parametrize("name", recipe_names())
def test_every_recipe_fills_the_settings(name):
    assert recipe_section(name, "classifier", MlpConfig, {}).hidden_size == 1024
    assert recipe_section(name, "training", TrainSettings, {}).negatives_per_batch == 358


REPORTED = {  # variant: AUROC / AUPRC of the papers' tables
    "ncrna-cupid": {
        "AVG": {"all": (0.919, 0.364)},
        "concat": {"all": (0.862, 0.222)},
        "Max": {"all": (0.810, 0.147)},
        "no-augmentation": {"all": (0.658, 0.078)},
        "IntaRNA": {"all": (0.544, 0.055)},
    },
    "mirinter-trans": {
        "AVG": {"lncRNA-miRNA": (0.903, 0.255), "miRNA-miRNA": (0.809, 0.227), "miRNA-snoRNA": (0.906, 0.350)},
        "concat": {"lncRNA-miRNA": (0.859, 0.170), "miRNA-miRNA": (0.547, 0.054), "miRNA-snoRNA": (0.870, 0.231)},
        "MAX": {"lncRNA-miRNA": (0.859, 0.166), "miRNA-miRNA": (0.559, 0.055), "miRNA-snoRNA": (0.826, 0.166)},
        "IntaRNA": {"lncRNA-miRNA": (0.571, 0.051), "miRNA-miRNA": (0.632, 0.123), "miRNA-snoRNA": (0.66, 0.100)},
    },
}


@pytest.mark.parametrize("name", recipe_names())
def test_the_figures_of_the_papers(name):
    assert {variant.name: variant.published for variant in read_protocol(name).variants} == REPORTED[name]


@pytest.mark.parametrize("name", recipe_names())
def test_the_variants_differ_as_published(name):
    variants = {variant.name: variant for variant in read_protocol(name).variants}
    poolings = [variants[found].pooling for found in variants if found.lower() in ("avg", "concat", "max")]
    assert poolings == ["mean", "mean+max", "max"]
    assert [found for found in variants if not variants[found].augment] == [
        found for found in ("no-augmentation", "IntaRNA") if found in variants
    ]
    assert {found: variant.engine for found, variant in variants.items() if variant.engine} == {"IntaRNA": "intarna"}


@pytest.mark.parametrize("name", recipe_names())
def test_a_recipe_is_complete_and_names_what_the_tools_know(name):
    recipe, protocol = load_recipe(name), read_protocol(name)
    assert tuple(recipe) == PAIRS.sections
    assert recipe["classifier"]["name"] in CLASSIFIERS
    assert protocol.division.by in SPLITTERS
    assert protocol.negatives.strategy in STRATEGIES
    assert protocol.embedding.long in LONG_POLICIES
    for variant in protocol.variants:
        assert variant.pooling in POOLINGS
        assert variant.engine is None or variant.engine in ENGINES
        assert set(variant.published) <= {"all"} | {type_pair(a, b) for a in TYPES for b in TYPES}


def test_a_given_encoder_and_number_of_negatives_replace_the_recipes():
    protocol = read_protocol("ncrna-cupid", per_positive=3, encoder="kmer")
    assert (protocol.negatives.per_positive, protocol.embedding.name) == (3, "kmer")


def test_given_values_replace_the_recipes_and_none_does_not():
    config = recipe_section("ncrna-cupid", "classifier", MlpConfig, {"hidden_size": 8, "dropout": None})
    assert config == MlpConfig(hidden_layers=4, hidden_size=8, dropout=0.2, order="free")


def test_an_unknown_name_lists_the_known():
    with pytest.raises(UsageError, match=r"unknown recipe 'x' .*mirinter-trans, ncrna-cupid"):
        load_recipe("x")


def test_a_missing_file():
    with pytest.raises(CupidError, match=r"none\.toml: no such file"):
        load_recipe("none.toml")


REST = "[classifier]\nhidden_size = 1\ndropout = 0\norder = 'free'"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("a = [", "is not TOML"),
        ("a = 1", "'a' stands outside"),
        ("[filter]\nmax_length = 1", r"'hidden_layers' is missing in \[classifier\]"),
        ("[trainning]\na = 1", r"section \[trainning\] is unknown \(known: recipe, filter, .*, variants\)"),
        (
            f"{REST}\nhidden_layers = 1\nwidth = 3",
            "'width' .* is unknown",
        ),
        (
            f"{REST}\nhidden_layers = 1.5",
            "'hidden_layers' .* is 1.5 .*expected int",
        ),
        (f"{REST}\nhidden_layers = true", "is True"),
    ],
)
def test_a_bad_recipe_of_ones_own(tmp_path, content, words):
    path = tmp_path / "own.toml"
    path.write_text(content)
    with pytest.raises(InputError, match=words):
        recipe_section(str(path), "classifier", MlpConfig, {})


def test_a_whole_number_will_do_for_a_fraction(tmp_path):
    path = tmp_path / "own.toml"
    path.write_text(f"{REST}\nhidden_layers = 1")
    assert recipe_section(path, "classifier", MlpConfig, {}).dropout == 0.0


BAD_PROTOCOLS = {  # replaced, by what, the complaint
    "missing-section": ("[variants.", "[recipe2.", InputError, "section .recipe2. is unknown"),
    "missing-key": ('valid_of = "rows"', "", InputError, r"'valid_of' is missing in \[split\]"),
    "unknown-key": ('valid_of = "rows"', "valid = 1", InputError, r"'valid_of' is missing in \[split\]"),
    "no-list": ('["train", "valid", "test"]', '"all"', InputError, "'splits' .* is 'all' .expected a list"),
    "mixed-list": ('"swap", "flip"', '"swap", 3', InputError, r"a part of 'how' in \[augment\] is 3 .expected str"),
    "unknown-way": ('"swap", "flip"', '"twist"', UsageError, "how names 'twist' .known: swap, flip, both"),
    "unknown-valid": ('"rows"', '"columns"', UsageError, "valid_of names 'columns' .known: rows, pairs"),
    "fraction": ("test_fraction = 0.1", "test_fraction = 1", UsageError, "test_fraction is 1 .it must be between"),
    "length": ("max_length = 4096", "max_length = 0", UsageError, "longest RNA kept has 0 nt"),
    "negatives": ("per_positive = 20", "per_positive = 0", UsageError, "0 negatives for each positive"),
    "variant": ("[variants.AVG]", "[variants]\nAVG = 3\n[variants.avg]", InputError, r"\[variants.AVG\] is 3"),
    "variant-key": ('engine = "intarna"', "motor = 1", InputError, r"'motor' in \[variants.IntaRNA\] is unknown"),
    "figure": ("auroc = 0.919, ", "", InputError, r"'auroc' is missing in \[variants.AVG.published.all\]"),
    "figures": ("{ all = { auroc = 0.919, auprc = 0.364 } }", "1", InputError, r"\[variants.AVG.published\] is 1"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_PROTOCOLS)
def test_a_bad_protocol_of_ones_own(tmp_path, case):
    old, new, kind, words = BAD_PROTOCOLS[case]
    text = (files("cupid_tools.recipes") / "ncrna-cupid.toml").read_text()
    assert old in text
    path = tmp_path / "own.toml"
    path.write_text(text.replace(old, new))
    with pytest.raises(kind, match=words):
        read_protocol(path)


def test_a_recipe_without_variants_cannot_be_reproduced(tmp_path):
    path = tmp_path / "own.toml"
    path.write_text((files("cupid_tools.recipes") / "ncrna-cupid.toml").read_text().partition("[variants.AVG]")[0])
    with pytest.raises(InputError, match=r"has no \[variants\]"):
        read_protocol(path)


@pytest.mark.parametrize("name", recipe_names(PRETRAINING))
def test_a_recipe_of_an_encoder_is_complete(name):
    assert set(load_recipe(name, PRETRAINING)) <= set(PRETRAINING.sections)
    network = recipe_section(name, "network", NetworkSettings, {}, family=PRETRAINING)
    assert network.architecture in ARCHITECTURES
    recipe_section(name, "training", PretrainSettings, {}, family=PRETRAINING)


def test_rna_transformers_settings_are_those_of_the_work():
    recipe = load_recipe("rna-transformer", PRETRAINING)
    assert [recipe["network"][name] for name in ("layers", "heads", "width")] == [4, 8, 160]
    assert [recipe["training"][name] for name in ("max_length", "batch_size", "type_weight")] == [205, 64, 0.1]
    assert recipe["variants"] == {
        "architecture": ["autoencoder", "masked"],
        "nucleotides": ["random", "chemical"],
        "type_weight": [0.0, 0.1],
        "width": [64, 160],
    }
