"""Which classifier is fitted, and with whose numbers; no recipe is passed over."""

import pytest

from cupid_tools import recipes
from cupid_tools.errors import UsageError
from cupid_tools.models.choice import choose
from cupid_tools.models.classifiers import DEFAULTS, SEQUENCES, VECTORS
from cupid_tools.models.classifiers.duplex import DuplexTraining


def test_nobody_chooses():
    found = choose(None, None, SEQUENCES, {})
    assert (found.name, found.recipe, found.training) == (DEFAULTS[SEQUENCES], None, found.kind.Training())
    assert choose(None, None, VECTORS, {}).recipe == "mirinter-trans"


def test_a_recipe_gives_its_numbers_to_either_net():
    for name in ("mlp", "mlp-symmetric"):
        found = choose(name, "ncrna-cupid", VECTORS, {"epochs": 3, "hidden_size": 8})
        assert (found.name, found.recipe) == (name, "ncrna-cupid")
        assert (found.training.epochs, found.training.patience, found.config.hidden_size) == (3, 10, 8)


def test_a_recipe_of_a_net_is_not_passed_over_by_another_classifier():
    with pytest.raises(UsageError, match="ncrna-cupid has the numbers of mlp, not of duplex"):
        choose("duplex", "ncrna-cupid", SEQUENCES, {})


def test_a_recipe_may_name_a_classifier_of_sequences(tmp_path):
    text = "".join(f'{name} = "{value}"\n' if isinstance(value, str) else f"{name} = {value}\n"
                   for name, value in vars(DuplexTraining(epochs=3)).items())  # fmt: skip
    (tmp_path / "own.toml").write_text(f'[classifier]\nname = "duplex"\npositions = 9\ncontext = 5\n[training]\n{text}')
    found = choose(None, str(tmp_path / "own.toml"), SEQUENCES, {"patience": 2})
    assert (found.name, found.config.positions, found.training) == ("duplex", 9, DuplexTraining(epochs=3, patience=2))


@pytest.mark.parametrize(
    ("classifier", "reads", "given", "words"),
    [
        ("mlp", SEQUENCES, {}, "mlp reads vectors, not sequences .give the --embeddings"),
        ("boosting", VECTORS, {}, "boosting reads sequences, not vectors .give --fasta"),
        ("seed-lr", SEQUENCES, {"hidden_size": 3}, "--hidden-size is no setting of seed-lr"),
        ("duplex", SEQUENCES, {"epochs": 0}, "epochs and patience must be at least 1"),
    ],
)
def test_what_does_not_fit_is_refused(classifier, reads, given, words):
    with pytest.raises(UsageError, match=words):
        choose(classifier, None, reads, given)


def test_the_recipes_that_come_along_are_for_nets():
    assert all(choose(None, name, VECTORS, {}).recipe == name for name in recipes.recipe_names())
