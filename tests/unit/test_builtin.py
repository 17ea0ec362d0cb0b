"""The models that come with the package: complete, described, and what their cards say."""

import numpy as np
import pytest
import torch

from cupid_tools.errors import UsageError
from cupid_tools.models import builtin
from cupid_tools.models.builtin import BUILTIN, DEFAULT_MODEL, builtin_names, model_path
from cupid_tools.models.builtin.untrained import CALLED_BY_CHANCE, write_untrained
from cupid_tools.models.checkpoint import load_model
from cupid_tools.models.classifiers.duplex import Duplex, DuplexConfig

CPU = torch.device("cpu")
GUIDE = "UGAGGUAGUAGGUUGUAUAGUU"
SITE = "ACUAUACAACCUACUACCUCA"


def test_the_names():
    assert builtin_names() == ["duplex", "mirna-lncrna"]
    assert model_path(BUILTIN) == model_path(f"{BUILTIN}:{DEFAULT_MODEL}")
    assert model_path("some/file.safetensors") == "some/file.safetensors"
    with pytest.raises(UsageError, match="known: builtin:duplex, builtin:mirna-lncrna, or the path of a file"):
        model_path("builtin:mirna")


@pytest.mark.parametrize("name", builtin_names())
def test_a_site_scores_above_chance(name):
    rng = np.random.default_rng(1)
    rnas = [GUIDE, *("".join(rng.choice(list("ACGU"), 300)) for _ in range(200))]
    rnas.append(rnas[1][:100] + SITE + rnas[1][100 + len(SITE) :])
    scores = load_model(f"{BUILTIN}:{name}", CPU).classifier.scorer(rnas).scores(
        np.zeros(201, dtype=np.int64), np.arange(1, 202)
    )  # fmt: skip
    assert scores[-1] > np.quantile(scores[:-1], 0.97)


@pytest.mark.parametrize("name", builtin_names())
def test_every_model_has_its_card(name):
    card = (builtin._FOLDER / f"{name}.md").read_text(encoding="utf-8")
    assert card.startswith(f"# Model card: `{BUILTIN}:{name}`")
    for part in ("What it answers", "Data", "How far to trust it", "Do not use it"):
        assert f"**{part}" in card


def test_the_untrained_duplex_is_what_its_program_writes(tmp_path):
    write_untrained(str(tmp_path / "d.safetensors"))
    made, kept = load_model(tmp_path / "d.safetensors", CPU), load_model(f"{BUILTIN}:duplex", CPU)
    assert made.info.threshold == pytest.approx(kept.info.threshold)
    state = Duplex(DuplexConfig(), 0).state_dict()
    assert all(torch.equal(kept.classifier.state_dict()[name], tensor) for name, tensor in state.items())


def test_the_untrained_duplex_calls_what_its_card_says():
    model = load_model(f"{BUILTIN}:duplex", CPU)
    rng = np.random.default_rng(2)
    rnas = ["".join(rng.choice(list("ACGU"), length)) for length in [22] * 60 + [600] * 60]
    first, second = np.divmod(np.arange(3600), 60)
    called = model.classifier.scorer(rnas).scores(first, 60 + second) >= model.info.threshold
    assert called.mean() == pytest.approx(CALLED_BY_CHANCE, abs=0.01)
