"""Each classifier of types: it learns, repeats, loads, and answers each RNA alone."""

import numpy as np
import pytest
import torch
from safetensors.torch import load, save

from cupid_tools.errors import CupidError, UsageError
from cupid_tools.models.classifiers import SEQUENCES, VECTORS
from cupid_tools.models.encoders.base import SequenceError
from cupid_tools.models.encoders.kmer import KmerEncoder
from cupid_tools.models.fitting import InterruptedTrainingError, NoNumberError
from cupid_tools.models.types import DEFAULTS, TYPE_CLASSIFIERS
from cupid_tools.models.types.choice import choose
from cupid_tools.models.types.data import TypeData
from cupid_tools.models.types.stages import Step, fit_stages
from cupid_tools.models.types.training import NetworkTraining, learning_rate
from tests.typed_rnas import LETTERS, typed_rnas

CPU = torch.device("cpu")
NAMES = tuple(sorted(LETTERS))
SMALL = {
    "network": {"width": 16, "layers": 1, "heads": 2, "feed_forward": 2, "epochs": 5, "learning_rate": 0.01,
                "batch_size": 8},
    "logistic": {},
    "boosting": {"epochs": 2, "leaf_rnas": 4},
}  # fmt: skip
METHODS = list(TYPE_CLASSIFIERS)


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def chosen(name, **changes):
    return choose(name, TYPE_CLASSIFIERS.load(name).reads, SMALL[name] | changes)


def data_for(name, rnas=None):
    """Of each type as many RNAs to learn from as valid ones."""
    rnas = rnas or typed_rnas()
    kinds = len({rna.type for rna in rnas})
    sequences = [rna.sequence for rna in rnas]
    read = sequences if TYPE_CLASSIFIERS.load(name).reads == SEQUENCES else KmerEncoder().embed(sequences)
    types = np.array([NAMES.index(rna.type) for rna in rnas])
    return TypeData(read, types, NAMES, np.arange(len(rnas)) // kinds % 2 == 1, {})


def built(choice, data):
    dim = 0 if choice.kind.reads == SEQUENCES else data.rnas.shape[1]
    return choice.kind(choice.config, dim, len(data.names))


def fitted(name, data=None, seed=1, **changes):
    data, choice = data or data_for(name), chosen(name, **changes)
    return built(choice, data).fit(data, choice.training, device=CPU, seed=seed)


@pytest.fixture(scope="module", params=METHODS)
def learned(request):
    """Name, data, fit, and a classifier that has loaded it from bytes."""
    torch.set_num_threads(1)
    name = request.param
    data, fit = data_for(name), fitted(name)
    classifier = built(chosen(name), data)
    classifier.load(load(save(fit.tensors)), CPU)
    return name, data, fit, classifier


def test_it_learns(learned):
    _, _, fit, _ = learned
    assert fit.best.valid_f1_macro > 0.9
    assert fit.best.valid_loss == min(row.valid_loss for row in fit.curves)
    assert fit.trouble is None


def test_it_answers_as_when_it_was_fitted(learned):
    _, data, fit, classifier = learned
    found = classifier.logits(data.part(data.valid))
    assert (found.dtype, found.shape) == (np.float64, (60, 3))
    np.testing.assert_allclose(found, fit.valid_logits, rtol=1e-9, atol=1e-9)


def test_an_answer_depends_on_its_rna_alone(learned):
    _, data, _, classifier = learned
    together = classifier.logits(data.rnas)
    order = np.random.default_rng(1).permutation(len(together))
    shuffled = data.rnas[order] if isinstance(data.rnas, np.ndarray) else [data.rnas[place] for place in order]
    np.testing.assert_array_equal(classifier.logits(shuffled), together[order])
    np.testing.assert_array_equal(classifier.logits(data.rnas[5:6])[0], together[5])


def test_equal_arguments_give_equal_bits(learned):
    name, data, fit, _ = learned
    again = fitted(name, data)
    assert all(torch.equal(again.tensors[part], tensor) for part, tensor in fit.tensors.items())
    assert again.curves == fit.curves


@pytest.mark.parametrize("change", ["missing", "shape", "foreign"])
def test_tensors_of_something_else(learned, change):
    name, data, fit, _ = learned
    tensors = dict(fit.tensors)
    first = min(tensors)
    if change == "missing":
        del tensors[first]
    elif change == "shape":
        tensors[first] = torch.zeros(2, 3, 4)
    else:
        tensors["surprise"] = torch.zeros(1)
    with pytest.raises(ValueError):
        built(chosen(name), data).load(tensors, CPU)


def test_trees_of_another_number_of_types():
    fit, data = fitted("boosting"), data_for("boosting")
    other = TYPE_CLASSIFIERS.load("boosting")(chosen("boosting").config, data.rnas.shape[1], 7)
    with pytest.raises(ValueError, match="another number of types"):
        other.load(fit.tensors, CPU)


def test_boosting_answers_as_lightgbm_does(monkeypatch):
    import lightgbm

    kept = []

    class Watched(lightgbm.Booster):
        def __init__(self, *args):
            super().__init__(*args)
            kept.append(self)

    monkeypatch.setattr(lightgbm, "Booster", Watched)
    data = data_for("boosting")
    fit = fitted("boosting", data)
    rounds = 10 * fit.best.stage
    expected = kept[0].predict(data.part(data.valid), raw_score=True, num_iteration=rounds)
    np.testing.assert_allclose(fit.valid_logits, expected, rtol=1e-9)


def test_boosting_ends_where_no_tree_can_be_grown():
    data = data_for("boosting")
    flat = TypeData(np.zeros_like(data.rnas), data.types, data.names, data.valid, {})
    fit = fitted("boosting", flat, epochs=5)
    assert np.ptp(fit.valid_logits, axis=0).max() == 0


@pytest.mark.parametrize("name", ["logistic", "boosting"])
def test_two_types(name):
    data = data_for(name, [rna for rna in typed_rnas() if rna.type != "purines"])
    two = TypeData(data.rnas, data.types, NAMES[:2], data.valid, {})
    fit = fitted(name, two)
    assert fit.valid_logits.shape == (40, 2)
    assert fit.best.valid_f1_macro > 0.9


def test_logistic_keeps_the_ridge_that_valid_chooses_unless_it_is_told():
    data = data_for("logistic")
    tried = fitted("logistic", data)
    assert tried.best.setting == min(tried.curves, key=lambda row: row.valid_loss).setting
    told = fitted("logistic", data, ridge=3.0)
    assert [row.setting for row in told.curves] == [3.0]
    np.testing.assert_allclose(told.tensors["weight"].sum(0).numpy(), 0, atol=1e-2)


def test_logistic_is_that_of_scikit_learn():
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    data = data_for("logistic")
    train, valid = (np.asarray(data.part(rows), dtype=np.float64) for rows in (~data.valid, data.valid))
    scaler = StandardScaler().fit(train)
    model = LogisticRegression(C=1 / 30, max_iter=1000).fit(scaler.transform(train), data.types[~data.valid])
    expected = model.decision_function(scaler.transform(valid))
    np.testing.assert_allclose(fitted("logistic", data, ridge=30.0).valid_logits, expected, atol=2e-2)


def test_long_rnas_are_read_in_windows_and_whole():
    """Their end counts as their start does, and an RNA that fits is read at once."""
    fit = fitted("network")
    classifier = built(chosen("network", max_length=40), data_for("network"))
    classifier.load(fit.tensors, CPU)
    rnas = typed_rnas(1, lengths=(100, 101))
    rich, poor = (next(rna.sequence for rna in rnas if rna.type == kind) for kind in ("gc-rich", "at-rich"))
    place = NAMES.index("gc-rich")
    both, reversed_, pure, none = classifier.logits([rich + poor, poor + rich, rich + rich, poor + poor])[:, place]
    assert none < both < pure
    assert none < reversed_ < pure
    short = [rna.sequence[:40] for rna in typed_rnas(2)]
    whole = built(chosen("network"), data_for("network"))
    whole.load(fit.tensors, CPU)
    np.testing.assert_array_equal(whole.logits(short), classifier.logits(short))
    assert (whole.logits([rich]) != classifier.logits([rich])).any()


def test_a_network_learns_from_stretches_of_long_rnas():
    data = data_for("network", typed_rnas(lengths=(150, 200)))
    assert fitted("network", data, max_length=32, epochs=6).best.valid_f1_macro > 0.8


def test_turns_of_a_step_add_up_to_the_step():
    """But for the last bits, memory changes nothing."""
    one, several = (fitted("network", epochs=2, dropout=0.0, batch_tokens=tokens) for tokens in (10_000, 64))
    np.testing.assert_allclose(one.valid_logits, several.valid_logits, atol=1e-3)


def test_seeds_change_a_network():
    assert fitted("network", epochs=2).curves != fitted("network", epochs=2, seed=2).curves


def test_the_rate_rises_and_falls():
    training = NetworkTraining(learning_rate=1.0, warmup_epochs=2, floor=0.1, epochs=10)
    assert [learning_rate(training, done) for done in (0, 1, 2, 6, 10)] == pytest.approx([0, 0.5, 1, 0.55, 0.1])


def test_a_loss_that_is_no_number():
    with pytest.raises(CupidError, match=r"the loss was no number in stage 1 \(lower --learning-rate\)"):
        fitted("network", learning_rate=1e30)


def test_states_that_are_no_numbers(monkeypatch):
    def overflow(self, sequences):
        raise SequenceError(0, "gives NaN or infinity in fp32")

    monkeypatch.setattr("cupid_tools.models.encoders.language_model.LanguageModelEncoder.embed", overflow)
    with pytest.raises(CupidError, match="the loss was no number in stage 1"):
        fitted("network")


def stages(events, patience=10):
    """Fit by *events*: how good the answers are, or what is raised; the tensors tell the stage."""
    types = np.arange(30) % 3
    done = []

    def learn(number):
        event = events[number - 1]
        if isinstance(event, BaseException) or event is None:
            if event is None:
                return None
            raise event
        done.append(number)
        noise = np.random.default_rng(number).normal(size=(30, 3))
        return Step(0.1, 1.0, np.eye(3)[types] * event + noise)

    return fit_stages(learn, lambda: {"stage": torch.tensor(done[-1])}, types, stages=len(events), patience=patience)


def test_the_best_stage_is_kept_and_patience_ends():
    fit = stages([1, 5, 9, 2, 2, 2, 20], patience=3)
    assert (fit.best.stage, int(fit.tensors["stage"]), len(fit.curves)) == (3, 3, 6)


@pytest.mark.parametrize(
    ("event", "kind"), [(KeyboardInterrupt(), InterruptedTrainingError), (NoNumberError(), CupidError)]
)
def test_trouble_leaves_the_best_stage(event, kind):
    fit = stages([3, 9, event])
    assert fit.best.stage == 2
    assert type(fit.trouble) is kind
    with pytest.raises((KeyboardInterrupt, CupidError)):
        stages([event])


def test_nothing_left_to_learn():
    fit = stages([3, None, 9])
    assert (fit.best.stage, len(fit.curves), fit.trouble) == (1, 1, None)


def test_defaults_read_what_they_are_defaults_for():
    for reads, name in DEFAULTS.items():
        assert choose(None, reads, {}).name == name
        assert TYPE_CLASSIFIERS.load(name).reads == reads


@pytest.mark.parametrize(
    ("method", "reads", "given", "words"),
    [
        ("logistic", SEQUENCES, {}, "logistic reads vectors, not sequences .make them with 'cupid-embed"),
        ("network", VECTORS, {}, "network reads sequences, not vectors .give --fasta"),
        ("network", SEQUENCES, {"leaves": 3}, "--leaves is no setting of network"),
        ("logistic", VECTORS, {"ridge": 0.0}, "ridge is 0"),
        ("boosting", VECTORS, {"leaves": 1}, "leaves is 1"),
        ("boosting", VECTORS, {"leaf_rnas": 0}, "leaf RNAs is 0"),
        ("boosting", VECTORS, {"learning_rate": 2.0}, "learning rate is 2"),
        ("network", SEQUENCES, {"width": 10, "heads": 4}, "a width of 10 cannot be shared by 4 heads"),
        ("network", SEQUENCES, {"epochs": 1, "warmup_epochs": 1}, "fewer than epochs"),
        ("network", SEQUENCES, {"patience": 0}, "at least 1"),
        ("network", SEQUENCES, {"clip": 0.0}, "clip above 0"),
    ],
)
def test_settings_that_make_no_sense(method, reads, given, words):
    with pytest.raises(UsageError, match=words):
        choose(method, reads, given)
