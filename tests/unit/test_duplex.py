"""The classifier: gradients, order, devices, learning, explanations."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from cupid_tools.errors import CupidError, UsageError
from cupid_tools.evaluation.metrics import auroc
from cupid_tools.interaction.duplex.tables import LONGEST_SHORT, encode
from cupid_tools.models.classifiers import duplex_energy
from cupid_tools.models.classifiers.duplex import Duplex, DuplexConfig, DuplexTraining, epoch_pairs
from cupid_tools.models.classifiers.duplex_energy import energies, energies_by_tensors
from cupid_tools.models.dataset import LabelledPairs, TrainingData
from cupid_tools.sampling.seeds import rng_for

CPU = torch.device("cpu")
CONFIG = DuplexConfig(positions=8, context=5)


def random_rnas(lengths, seed=0):
    rng = np.random.default_rng(seed)
    return ["".join(rng.choice(list("ACGU"), length)) for length in lengths]


def learned(seed=1, spread=0.3):
    """A classifier that is not as it starts."""
    classifier = Duplex(CONFIG, 0)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in classifier.parameters():
            parameter += spread * torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
    return classifier


LENGTHS = [22, 21, 1, 40, 90, 22, 300, 300, 7, 31]


def all_pairs(count):
    return tuple(part.ravel() for part in np.mgrid[:count, :count])


@pytest.fixture
def small_batches(monkeypatch):
    monkeypatch.setattr(duplex_energy, "_CELLS", 1 << 16)


def test_tensors_and_kernels_agree_on_energies_and_gradients(small_batches):
    rnas = encode([*random_rnas([22, 1, 40, 90, 24]), "", "ACGUNNNNACGUURYN", "N"])
    guides, targets = all_pairs(8)
    classifier = learned()
    outer = torch.from_numpy(np.random.default_rng(0).normal(size=len(guides)))
    compiled = energies(classifier.energy, rnas, guides, targets)
    compiled.backward(outer)
    gradients = {name: parameter.grad.clone() for name, parameter in classifier.energy.named_parameters()}
    classifier.zero_grad()
    by_tensors = energies_by_tensors(classifier.energy.tables(), rnas, guides, targets)
    by_tensors.backward(outer)
    torch.testing.assert_close(by_tensors, compiled, rtol=1e-12, atol=1e-9)
    for name, parameter in classifier.energy.named_parameters():
        torch.testing.assert_close(parameter.grad, gradients[name], rtol=1e-9, atol=1e-9)


def test_an_energy_by_tensors_depends_on_its_pair_alone(small_batches):
    rnas = encode(random_rnas([22, 1, 40, 300, 24]))
    tables = learned().energy.tables()
    guides, targets = all_pairs(5)
    with torch.no_grad():
        together = energies_by_tensors(tables, rnas, guides, targets)
        for k in (0, 3, 8, 24):
            alone = energies_by_tensors(tables, rnas, guides[k : k + 1], targets[k : k + 1])
            assert alone.item() == together[k].item()


def test_gradients_of_the_logits_are_those_of_finite_differences():
    classifier = learned()
    rnas = encode(random_rnas([22, 60, 24]))
    first, second = np.array([0, 0, 2]), np.array([1, 2, 1])

    def logits(*parameters):
        names = [name for name, _ in classifier.named_parameters()]
        state = dict(zip(names, parameters, strict=True))
        return torch.func.functional_call(
            LogitsOf(classifier), {f"inner.{k}": v for k, v in state.items()}, (rnas, first, second)
        )

    inputs = [parameter.detach().clone().requires_grad_() for parameter in classifier.parameters()]
    assert torch.autograd.gradcheck(logits, inputs, fast_mode=True)


class LogitsOf(torch.nn.Module):
    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def forward(self, *args):
        return self.inner.logits(*args)


def test_a_score_is_order_free_and_depends_on_its_pair_alone():
    scorer = learned().scorer(random_rnas(LENGTHS))
    first, second = all_pairs(len(LENGTHS))
    scores = scorer.scores(first, second)
    assert scores.tolist() == scorer.scores(second, first).tolist()
    assert ((scores > 0) & (scores < 1)).all()
    for k in range(0, 100, 7):
        assert scorer.scores(first[k : k + 1], second[k : k + 1])[0] == scores[k]
    few = learned().scorer([random_rnas(LENGTHS)[index] for index in (6, 0)])
    assert few.scores(np.array([1]), np.array([0]))[0] == scores[6]


def test_scores_are_the_probabilities_of_the_logits():
    classifier, rnas = learned(), random_rnas(LENGTHS)
    first, second = all_pairs(len(LENGTHS))
    logits = classifier.logits(encode(rnas), first, second).detach()
    np.testing.assert_allclose(classifier.scorer(rnas).scores(first, second), logits.sigmoid().numpy(), rtol=1e-12)


def test_both_short_rnas_are_the_guide_in_their_turn():
    classifier = Duplex(DuplexConfig(), 0)
    seed, other = "UGAGGUAGUAGGUUGUAUAGUU", "AAAAAAACUACCUCAAAAAAA"
    assert max(len(seed), len(other)) <= LONGEST_SHORT
    scorer = classifier.scorer([seed, other, "A" * 100 + other])
    with_site, in_long = scorer.scores(np.array([0, 0]), np.array([1, 2]))
    assert with_site > in_long > 0.5  # the same site among more that could be one


def test_untrained_it_tells_a_site_from_random_rnas():
    mirnas = random_rnas([22] * 40)
    complement = str.maketrans("ACGU", "UGCA")
    sites = [
        left + mirna[1:8][::-1].translate(complement) + "A" + right
        for mirna, left, right in zip(mirnas, random_rnas([60] * 40, 1), random_rnas([30] * 40, 2), strict=True)
    ]
    scorer = Duplex(DuplexConfig(), 0).scorer([*mirnas, *sites])
    own = scorer.scores(np.arange(40), 40 + np.arange(40))
    others = scorer.scores(np.arange(40), 40 + np.roll(np.arange(40), 1))
    labels = np.repeat([1, 0], 40).astype(np.int8)
    assert auroc(labels, np.concatenate([own, others])) > 0.8
    assert np.median(others) < 0.5 < np.median(own)


def planted(count, seed):
    """Pairs that interact where the longer RNA holds the complement of the shorter one's nucleotides 12 to 18."""
    mirnas, targets = random_rnas([22] * count, seed), random_rnas([60] * 2 * count, seed + 1)
    complement = str.maketrans("ACGU", "UGCA")
    for index, mirna in enumerate(mirnas):
        site = mirna[11:18][::-1].translate(complement)
        targets[index] = targets[index][:30] + site + targets[index][37:]
    first = np.tile(np.arange(count), 2)
    second = count + np.arange(2 * count)
    labels = np.repeat([1, 0], count).astype(np.int8)
    return [*mirnas, *targets], LabelledPairs(first, second, labels)


def planted_data(train=200, valid=60):
    rnas, pairs = planted(train, 10)
    more, others = planted(valid, 20)
    unseen = LabelledPairs(others.first + len(rnas), others.second + len(rnas), others.labels)
    everything = [*rnas, *more]
    return TrainingData(everything, np.arange(len(everything)), pairs, unseen, {})


def test_it_learns_a_planted_site_that_thermodynamics_overlooks():
    data = planted_data()
    classifier = Duplex(DuplexConfig(), 0)
    valid = data.valid
    before = auroc(valid.labels, classifier.scorer(data.rnas).scores(valid.first, valid.second))
    fit = classifier.fit(data, DuplexTraining(epochs=6, batch_size=32), device=CPU, seed=1)
    assert before < 0.9
    assert fit.best.valid_auroc > 0.97
    again = Duplex(DuplexConfig(), 0).fit(data, DuplexTraining(epochs=6, batch_size=32), device=CPU, seed=1)
    assert again.curves == fit.curves
    for name, tensor in fit.tensors.items():
        assert torch.equal(tensor, again.tensors[name])
    restored = Duplex(DuplexConfig(), 0)
    restored.load(fit.tensors, CPU)
    scores = restored.scorer(data.rnas).scores(valid.first, valid.second)
    assert auroc(valid.labels, scores) == fit.best.valid_auroc


def test_tensors_of_another_shape_are_refused():
    with pytest.raises(ValueError, match="position"):
        Duplex(DuplexConfig(), 0).load(Duplex(CONFIG, 0).state_dict(), CPU)


def test_tensors_of_whole_numbers_are_refused():
    tensors = Duplex(CONFIG, 0).state_dict()
    for name in tensors:
        with pytest.raises(ValueError, match="float64"):
            Duplex(CONFIG, 0).load(tensors | {name: tensors[name].to(torch.int8)}, CPU)


@pytest.mark.parametrize("learning_rate", [1e30, 1e308])
def test_a_loss_that_is_no_number_is_told(learning_rate):
    data = planted_data(300, 20)
    with pytest.raises(CupidError, match="the loss was no number in epoch 1"):
        Duplex(DuplexConfig(), 0).fit(
            data, DuplexTraining(learning_rate=learning_rate, batch_size=32), device=CPU, seed=1
        )


def test_threads_change_no_bit():
    data = planted_data(130, 20)
    threads = torch.get_num_threads()
    found = []
    try:
        for number in (1, 2, 5):
            torch.set_num_threads(number)
            found.append(
                Duplex(DuplexConfig(), 0).fit(data, DuplexTraining(epochs=2, batch_size=256), device=CPU, seed=1)
            )
    finally:
        torch.set_num_threads(threads)
    for other in found[1:]:
        assert other.curves == found[0].curves
        assert all(torch.equal(other.tensors[name], tensor) for name, tensor in found[0].tensors.items())


def test_an_epoch_shows_one_positive_of_each_pair_of_groups():
    groups = np.array([0, 0, 1, 2, 2, 3])
    first, second = np.array([0, 1, 3, 0, 5, 0, 1, 5, 5]), np.array([3, 4, 1, 2, 2, 5, 5, 3, 4])
    pairs = LabelledPairs(first, second, np.array([1, 1, 1, 1, 0, 0, 0, 0, 0], dtype=np.int8))
    seen = set()
    for number in range(20):
        rows = epoch_pairs(pairs, groups, rng_for(number))
        assert len(set(rows.tolist())) == len(rows) == 4  # two facts, and 5 negatives to 4 positives are 2 to 2
        assert 3 in rows
        assert len({0, 1, 2} & set(rows.tolist())) == 1
        seen |= set(rows.tolist())
    assert seen == set(range(9))


def test_an_explanation_is_the_same_from_either_side():
    classifier = learned()
    for first, second in (
        ("UGAGGUAGUAGGUUGUAUAGUU", random_rnas([90])[0]),
        random_rnas([22, 24]),
        random_rnas([40, 40]),
    ):
        one, other = classifier.explain(first, second), classifier.explain(second, first)
        np.testing.assert_array_equal(one.pairing, other.pairing.T)
        assert one.duplex == other.duplex.turned()
        assert one.pairing.shape == (len(first), len(second))
        assert one.duplex.pairs == sorted(one.duplex.pairs)
        for i, j in one.duplex.pairs:
            assert one.pairing[i - 1, j - 1] > 0
            assert first[i - 1] + second[j - 1] in {"AU", "UA", "CG", "GC", "GU", "UG"}


def test_an_explanation_finds_the_site():
    site = Duplex(DuplexConfig(), 0).explain("UGAGGUAGUAGGUUGUAUAGUU", "A" * 20 + "ACUACCUCA" + "A" * 20)
    assert (site.duplex.first_start, site.duplex.second_start, site.duplex.second_end) == (1, 21, 29)
    assert site.duplex.structure == "(((((((((&)))))))))"
    assert site.pairing[1:8, 20:29].sum() > 6


def test_rnas_that_cannot_pair_have_no_duplex():
    nothing = Duplex(CONFIG, 0).explain("AAAA", "CCCCC")
    assert nothing.duplex is None
    assert not nothing.pairing.any()


@pytest.mark.parametrize("wrong", [{"positions": 1}, {"context": 4}, {"context": 0}])
def test_settings_out_of_range_are_refused(wrong):
    with pytest.raises(UsageError):
        DuplexConfig(**wrong)


@pytest.mark.parametrize(
    "wrong",
    [{"select": "luck"}, {"learning_rate": 0}, {"epochs": 0}, {"weight_decay": -1}, {"clip": 0}, {"batch_size": 0}],
)
def test_training_out_of_range_is_refused(wrong):
    with pytest.raises(UsageError):
        replace(DuplexTraining(), **wrong)
