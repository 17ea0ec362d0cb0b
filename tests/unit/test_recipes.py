"""The recipes are the published protocols, and a recipe of one's own is checked."""

import pytest

from cupid_tools.errors import CupidError, InputError, UsageError
from cupid_tools.models.classifiers import CLASSIFIERS
from cupid_tools.models.classifiers.mlp import MlpConfig
from cupid_tools.models.encoders import ENCODERS
from cupid_tools.models.training import TrainSettings
from cupid_tools.recipes import SECTIONS, load_recipe, recipe_names, recipe_section
from cupid_tools.sampling.negatives import STRATEGIES, NegativeSettings
from cupid_tools.sampling.splits import SPLITTERS, SplitSettings
from cupid_tools.vocab import SPLITS, WAYS

PUBLISHED_NET = {"name": "mlp", "hidden_layers": 4, "hidden_size": 1024, "dropout": 0.2}
PUBLISHED_TRAINING = {
    "learning_rate": 5e-4, "warmup_epochs": 4, "floor": 5e-5, "epochs": 50, "patience": 10, "batch_size": 512,
    "negative_share": 0.7, "select": "mcc", "order": "free",
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "length", "encoder"), [("mirinter-trans", 1022, "rnafm"), ("ncrna-cupid", 4096, "generrna")]
)
def test_the_published_numbers(name, length, encoder):
    recipe = load_recipe(name)
    assert recipe["filter"] == {"max_length": length}
    assert recipe["encoder"] == {"name": encoder, "pooling": "mean"}
    assert encoder in ENCODERS
    assert recipe["negatives"] == {"strategy": "type-matched", "per_positive": 20}
    assert recipe["split"] == {"by": "random", "test_fraction": 0.1, "valid_fraction": 0.2}
    assert recipe["classifier"] == PUBLISHED_NET
    assert recipe["training"] == PUBLISHED_TRAINING


@pytest.mark.parametrize("name", recipe_names())
def test_every_recipe_fills_the_settings(name):
    assert recipe_section(name, "classifier", MlpConfig, {}).hidden_size == 1024
    assert recipe_section(name, "training", TrainSettings, {}).negatives_per_batch == 358


@pytest.mark.parametrize("name", recipe_names())
def test_a_recipe_is_complete_and_names_what_the_tools_know(name):
    recipe = load_recipe(name)
    assert tuple(recipe) == SECTIONS
    assert recipe["classifier"]["name"] in CLASSIFIERS
    split, augment, negatives = recipe["split"], recipe["augment"], recipe["negatives"]
    assert SplitSettings(**split, seed=1).by in SPLITTERS
    assert NegativeSettings(**negatives, seed=1).strategy in STRATEGIES
    assert set(augment) == {"operations", "published_splits"}
    assert set(augment["operations"]) <= set(WAYS)
    assert set(augment["published_splits"]) <= set(SPLITS)


def test_given_values_replace_the_recipes_and_none_does_not():
    config = recipe_section("ncrna-cupid", "classifier", MlpConfig, {"hidden_size": 8, "dropout": None})
    assert config == MlpConfig(hidden_layers=4, hidden_size=8, dropout=0.2)


def test_an_unknown_name_lists_the_known():
    with pytest.raises(UsageError, match=r"unknown recipe 'x' .*mirinter-trans, ncrna-cupid"):
        load_recipe("x")


def test_a_missing_file():
    with pytest.raises(CupidError, match=r"none\.toml: no such file"):
        load_recipe("none.toml")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("a = [", "is not TOML"),
        ("a = 1", "'a' stands outside"),
        ("[filter]\nmax_length = 1", r"'hidden_layers' is missing in \[classifier\]"),
        ("[trainning]\na = 1", r"section \[trainning\] is unknown \(known: recipe, filter, .*, training\)"),
        ("[classifier]\nhidden_layers = 1\nhidden_size = 1\ndropout = 0\nwidth = 3", "'width' .* is unknown"),
        ("[classifier]\nhidden_layers = 1.5\nhidden_size = 1\ndropout = 0", "'hidden_layers' .* is 1.5 .*expected int"),
        ("[classifier]\nhidden_layers = true\nhidden_size = 1\ndropout = 0", "is True"),
    ],
)
def test_a_bad_recipe_of_ones_own(tmp_path, content, words):
    path = tmp_path / "own.toml"
    path.write_text(content)
    with pytest.raises(InputError, match=words):
        recipe_section(str(path), "classifier", MlpConfig, {})


def test_a_whole_number_will_do_for_a_fraction(tmp_path):
    path = tmp_path / "own.toml"
    path.write_text("[classifier]\nhidden_layers = 1\nhidden_size = 1\ndropout = 0")
    assert recipe_section(path, "classifier", MlpConfig, {}).dropout == 0.0
