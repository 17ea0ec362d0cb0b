"""The network of our own encoders: who sees whom, positions, and the chemistry of nucleotides."""

import pytest
import torch

from cupid_tools.errors import UsageError
from cupid_tools.models.pretraining.alphabet import FIRST_NUCLEOTIDE, MASK, VOCABULARY, N, tokens_of
from cupid_tools.models.pretraining.network import (
    CHEMISTRY,
    Decoder,
    Network,
    NetworkSettings,
    Nucleotides,
    Stem,
    packed_row,
    rotated,
)

SMALL = {"architecture": "masked", "nucleotides": "random", "width": 16, "layers": 2, "heads": 2, "feed_forward": 2}
SMALL["dropout"] = 0.0


def small(**others):
    return NetworkSettings(**(SMALL | others))


def tokens(letters):
    return torch.from_numpy(tokens_of([letters]).astype("int64"))


@pytest.fixture
def network():
    torch.manual_seed(1)
    made = Network(small()).eval()
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.copy_(torch.randn_like(parameter) * 0.3)
    return made


def test_a_state_does_not_depend_on_other_sequences_of_the_row(network):
    one, other = tokens("ACGUACGUUU"), tokens("GGGCCCAAAUUU")
    together = network(torch.cat([one, one, other]), [(2, 10), (1, 12)])
    torch.testing.assert_close(together[:10], network(one, [(1, 10)]))
    torch.testing.assert_close(together[10:20], together[:10])
    torch.testing.assert_close(together[20:], network(other, [(1, 12)]))


def test_every_nucleotide_matters_to_every_other_one(network):
    changed = network(tokens("ACGUACGUUA"), [(1, 10)]) - network(tokens("ACGUACGUUU"), [(1, 10)])
    assert (changed.abs().max(-1).values > 1e-4).all()


def test_positions_are_relative():
    """Attention sees how far nucleotides are apart, and not where they stand."""
    torch.manual_seed(1)
    row = packed_row([(1, 40)], 8, torch.zeros(1))
    query, key = torch.randn(1, 2, 8).expand(40, 2, 8), torch.randn(1, 2, 8).expand(40, 2, 8)
    products = torch.einsum("qhc,khc->hqk", rotated(query, row), rotated(key, row))
    for distance in (-7, 0, 5):
        diagonal = products.diagonal(distance, 1, 2)
        torch.testing.assert_close(diagonal, diagonal[:, :1].expand_as(diagonal), rtol=1e-4, atol=1e-4)
    assert not torch.allclose(products[:, 0, 0], products[:, 0, 9])


def test_a_decoder_sees_nothing_of_what_it_has_still_to_write():
    torch.manual_seed(1)
    decoder = Decoder(small()).eval()
    encoded = torch.randn(8, 16)
    first = decoder(tokens("ACGUAC"), [(1, 6)], encoded, [(1, 8)])
    second = decoder(tokens("ACGUGG"), [(1, 6)], encoded, [(1, 8)])
    torch.testing.assert_close(first[:4], second[:4])
    assert not torch.allclose(first[4], second[4])
    assert not torch.allclose(first, decoder(tokens("ACGUAC"), [(1, 6)], encoded.flip(0), [(1, 8)]))


def test_chemical_nucleotides_hold_standardised_properties_in_their_first_channels():
    vectors = Nucleotides(small(nucleotides="chemical"))
    found = vectors(torch.arange(FIRST_NUCLEOTIDE, FIRST_NUCLEOTIDE + 4))[:, : len(CHEMISTRY)].detach()
    torch.testing.assert_close(found.mean(0), torch.zeros(8), atol=1e-6, rtol=0)
    spread = found.std(0, correction=0)
    torch.testing.assert_close(spread, spread[:1].expand(8))
    assert vectors(tokens("ACGU")).shape == (4, 16)
    mass = found[:, list(CHEMISTRY).index("molar mass, g/mol")]
    assert mass.argsort().tolist() == [1, 3, 0, 2]  # C 111, U 112, A 135, G 151
    energy = found[:, list(CHEMISTRY).index("formation enthalpy of the solid, kJ/mol")]
    assert energy.argsort(descending=True).tolist() == [0, 2, 1, 3]  # A 96.9, G -183.9, C -221, U -424.4
    assert not vectors(torch.tensor([MASK, N]))[:, : len(CHEMISTRY)].any()


def test_chemistry_is_not_learned():
    vectors = Nucleotides(small(nucleotides="chemical"))
    assert [name for name, _ in vectors.named_parameters()] == ["learned.weight"]
    assert vectors.learned.weight.shape[1] == 8


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"width": 20, "heads": 8}, "a width of 20 cannot be shared by 8 heads .give a multiple of 16."),
        ({"width": 8, "heads": 2, "nucleotides": "chemical"}, "a width above 8"),
        ({"nucleotides": "physical"}, "nucleotides are 'physical' .known: random, chemical."),
        ({"architecture": "gpt"}, "architecture is 'gpt' .known: masked, autoencoder."),
        ({"layers": 0}, "must be at least 1"),
        ({"dropout": 1.0}, "dropout is 1"),
        ({"stem": 4}, "stem must be 0 or odd"),
    ],
)
def test_networks_that_cannot_be(settings, words):
    with pytest.raises(UsageError, match=words):
        small(**settings)


def test_a_stem_is_a_convolution_over_the_tokens_of_a_sequence():
    torch.manual_seed(1)
    stem = Stem(small(stem=3), 16)
    row = torch.cat([tokens("ACGU"), tokens("GGNAC")])
    found = stem(row, [(1, 4), (1, 5)])
    tables = stem.told.weight.detach().view(3, VOCABULARY, 16)
    for start, letters in ((0, "ACGU"), (4, "GGNAC")):
        ids = tokens(letters)
        for place in range(len(ids)):
            wanted = torch.zeros(16)
            for offset in (-1, 0, 1):
                if 0 <= place + offset < len(ids):
                    wanted = wanted + tables[offset + 1, ids[place + offset]]
            torch.testing.assert_close(found[start + place], wanted)


@pytest.mark.parametrize("settings", [{"stem": 5}, {"readout": 24}, {"stem": 3, "readout": 8}])
def test_states_with_stem_and_readout_do_not_depend_on_other_sequences(settings):
    torch.manual_seed(1)
    network = Network(small(**settings)).eval()
    one, other = tokens("ACGUACGUUU"), tokens("GGGCCCAAAUUU")
    together = network(torch.cat([one, other]), [(1, 10), (1, 12)])
    assert together.shape == (22, settings.get("readout", 16))
    torch.testing.assert_close(together[:10], network(one, [(1, 10)]))
    torch.testing.assert_close(together[10:], network(other, [(1, 12)]))
