"""RNA-FM through transformers gives what the authors' package gives, however RNAs are batched."""

from argparse import Namespace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cupid_tools.errors import InputError
from cupid_tools.models.encoders.language_model import build_encoder
from cupid_tools.models.encoders.rnafm import ReferenceRnaFm, RnaFm, convert, letter_tokens
from cupid_tools.models.encoders.settings import EncoderSettings
from cupid_tools.vocab import RNA_LETTERS
from tests.language_models import rnafm_network, save_rnafm

TOLERANCE = 1e-5
LENGTHS = [1, 2, 3, 22, 22, 57, 100, 301, 1021, 1022, 22]
REAL_WIDTHS = {"embed_dim": 640, "ffn_embed_dim": 5120, "attention_heads": 20}


def rnas(lengths, seed=1):
    letters = np.random.default_rng(seed)
    return ["".join(letters.choice(list(RNA_LETTERS), length)) for length in lengths]


def checkpoint(path):
    with torch.serialization.safe_globals([Namespace]):
        return torch.load(path, weights_only=True)


def encoder(weights, pooling="mean", make=RnaFm, **options):
    plain = EncoderSettings(pooling=pooling, precision="fp32", device="cpu", **options)
    return build_encoder("rnafm", "f", plain, lambda: make(weights))


def states_by_the_package(network, sequence):
    """[nt, channels] as the published scripts take them: without <cls> and <eos>."""
    import fm

    converter = fm.Alphabet.from_architecture("roberta_large", theme="rna").get_batch_converter()
    _, _, tokens = converter([("x", sequence)])
    layers = len(network.layers)
    with torch.inference_mode():
        return network(tokens, repr_layers=[layers])["representations"][layers][0, 1:-1].numpy()


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """The authors' network, and its file read by our loader."""
    path = tmp_path_factory.mktemp("rnafm") / "RNA-FM_pretrained.pth"
    network = save_rnafm(path)
    return network, convert(checkpoint(path), path.name, None)


def test_states_of_every_nucleotide_equal_the_package(published):
    network, weights = published
    sequences = rnas(LENGTHS)
    ours = np.split(encoder(weights, "none").embed(sequences), np.cumsum(LENGTHS)[:-1])
    for sequence, states in zip(sequences, ours, strict=True):
        np.testing.assert_allclose(states, states_by_the_package(network, sequence), rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("pooling", ["mean", "max", "mean+max"])
def test_pooled_vectors_equal_the_package(published, pooling):
    network, weights = published
    sequences = rnas(LENGTHS)
    theirs = [states_by_the_package(network, sequence) for sequence in sequences]
    parts = {"mean": [np.mean], "max": [np.max], "mean+max": [np.mean, np.max]}[pooling]
    expected = [np.concatenate([part(states, axis=0) for part in parts]) for states in theirs]
    np.testing.assert_allclose(encoder(weights, pooling).embed(sequences), expected, rtol=0, atol=TOLERANCE)


def test_at_the_published_width_and_with_the_largest_context(tmp_path):
    network = save_rnafm(tmp_path / "x.pth", layers=1, **REAL_WIDTHS)
    weights = convert(checkpoint(tmp_path / "x.pth"), "x", None)
    sequence = rnas([1022])[0]
    expected = states_by_the_package(network, sequence)
    np.testing.assert_allclose(
        encoder(weights, "none").embed([sequence]), expected, rtol=0, atol=TOLERANCE * max(1, np.abs(expected).max())
    )


@pytest.mark.parametrize("token_dropout", [True, False])
@pytest.mark.parametrize("layer_norm_before", [True, False])
def test_what_the_checkpoint_says_of_its_network_is_heeded(tmp_path, token_dropout, layer_norm_before):
    path = tmp_path / "x.pth"
    network = save_rnafm(path, token_dropout=token_dropout, layer_norm_before=layer_norm_before)
    weights = convert(checkpoint(path), "x", None)
    assert weights.config["token_dropout"] is token_dropout
    for sequence in rnas([5, 80]):
        ours = encoder(weights, "none").embed([sequence])
        np.testing.assert_allclose(ours, states_by_the_package(network, sequence), rtol=0, atol=TOLERANCE)


@given(
    lengths=st.lists(st.integers(1, 60), min_size=1, max_size=12),
    batch_tokens=st.integers(1, 300),
    order=st.randoms(use_true_random=False),
)
@settings(max_examples=25)
def test_neither_batch_nor_order_nor_company_matters(published, lengths, batch_tokens, order):
    _, weights = published
    sequences = rnas(lengths)
    alone = np.concatenate([encoder(weights).embed([sequence]) for sequence in sequences])
    place = list(range(len(sequences)))
    order.shuffle(place)
    together = encoder(weights, batch_tokens=batch_tokens).embed([sequences[index] for index in place])
    np.testing.assert_allclose(together, alone[place], rtol=0, atol=2e-6)


def test_the_same_batches_give_the_same_bytes(published):
    _, weights = published
    sequences = rnas(LENGTHS)
    np.testing.assert_array_equal(encoder(weights).embed(sequences), encoder(weights).embed(sequences))


def test_the_package_itself_gives_the_same(published):
    _, weights = published
    sequences = rnas(LENGTHS)
    reference = encoder(weights, "mean+max", ReferenceRnaFm).embed(sequences)
    np.testing.assert_allclose(encoder(weights, "mean+max").embed(sequences), reference, rtol=0, atol=TOLERANCE)


def test_windows_leave_rnas_that_fit_as_they_are(published):
    _, weights = published
    sequences = rnas([30, 1022])
    plain = encoder(weights, "mean+max").embed(sequences)
    for long in ("window", "truncate"):
        np.testing.assert_array_equal(encoder(weights, "mean+max", long=long).embed(sequences), plain)


@pytest.mark.parametrize("pooling", ["mean", "max", "mean+max"])
def test_windows_count_every_nucleotide_once(published, pooling):
    _, weights = published
    sequences = rnas([2500, 40])
    options = {"long": "window", "overlap": 200}
    states = encoder(weights, "none", **options).embed(sequences)[:2500]
    parts = {"mean": [np.mean], "max": [np.max], "mean+max": [np.mean, np.max]}[pooling]
    expected = np.concatenate([part(states, axis=0) for part in parts])
    for batch_tokens in (1024, 10_000):  # windows of one RNA in several batches, or in one
        vectors = encoder(weights, pooling, batch_tokens=batch_tokens, **options).embed(sequences)
        np.testing.assert_allclose(vectors[0], expected, rtol=0, atol=TOLERANCE)


def test_a_window_is_computed_like_an_rna_of_its_own(published):
    network, weights = published
    (sequence,) = rnas([1500])
    states = encoder(weights, "none", long="window", overlap=100).embed([sequence])
    first, last = (states_by_the_package(network, part) for part in (sequence[:1022], sequence[-1022:]))
    seam = (478 + 1022) // 2
    np.testing.assert_allclose(states[:seam], first[:seam], rtol=0, atol=TOLERANCE)
    np.testing.assert_allclose(states[seam:], last[seam - 478 :], rtol=0, atol=TOLERANCE)


def test_truncate_keeps_the_first_1022_nucleotides(published):
    _, weights = published
    (sequence,) = rnas([1500])
    cut = encoder(weights, long="truncate").embed([sequence])
    np.testing.assert_allclose(cut, encoder(weights).embed([sequence[:1022]]), rtol=0, atol=2e-6)


def test_cls_is_the_state_before_the_rna(published):
    import fm

    network, weights = published
    (sequence,) = rnas([33])
    _, _, tokens = fm.Alphabet.from_architecture("roberta_large", theme="rna").get_batch_converter()([("", sequence)])
    with torch.inference_mode():
        expected = network(tokens, repr_layers=[2])["representations"][2][:, 0].numpy()
    np.testing.assert_allclose(encoder(weights, "cls").embed([sequence]), expected, rtol=0, atol=TOLERANCE)


def test_the_tokens_are_those_of_the_authors_alphabet():
    import fm

    alphabet = fm.Alphabet.from_architecture("roberta_large", theme="rna")
    first, second = letter_tokens([RNA_LETTERS, "UA"])
    assert first.ids.tolist() == [alphabet.get_idx(letter) for letter in RNA_LETTERS]
    assert second.ids.tolist() == [alphabet.get_idx("U"), alphabet.get_idx("A")]
    assert alphabet.unk_idx not in first.ids


def broken(**changes):
    """A checkpoint with entries of its model replaced; None takes an entry out."""
    network = rnafm_network()
    state = {f"encoder.sentence_encoder.{name}": tensor for name, tensor in network.state_dict().items()}
    for name, tensor in changes.items():
        key = f"encoder.sentence_encoder.{name.replace('__', '.')}"
        state.pop(key, None)
        if tensor is not None:
            state[key] = tensor
    return {"args": Namespace(arch="roberta_large", max_positions=1024, **prefixed()), "model": state}


def prefixed():
    return {
        "encoder_layers": 2,
        "encoder_embed_dim": 40,
        "encoder_ffn_embed_dim": 80,
        "encoder_attention_heads": 4,
    }


NAN = torch.full((40,), float("nan"))
BAD = [
    ({}, "is not an RNA-FM checkpoint"),
    ({"args": Namespace(arch="protein_bert_base"), "model": {}}, "is not an RNA-FM checkpoint"),
    ({"args": Namespace(arch="roberta_large"), "model": None}, "is not an RNA-FM checkpoint"),
    ({"args": Namespace(arch="roberta_large"), "model": {}}, "its args lack 'layers'"),
    (broken(layers__1__fc1__bias=None), r"lacks the tensor 'encoder\.layer\.1\.intermediate\.dense\.bias'"),
    (broken(layers__2__fc1__bias=torch.zeros(80)), r"holds the tensor 'layers\.2|holds the tensor 'encoder\.layer\.2"),
    (broken(embed_tokens__weight=torch.zeros(33, 40)), r"has shape \[33, 40\], and its sizes ask for \[25, 40\]"),
    (broken(emb_layer_norm_after__bias=NAN), "holds NaN or infinity"),
    (
        broken(emb_layer_norm_after__bias=torch.zeros(40, dtype=torch.int64)),
        "is not a tensor of floating-point numbers",
    ),
    (broken(emb_layer_norm_after__bias="text"), "is not a tensor of floating-point numbers"),
    (broken(emb_layer_norm_after__bias=torch.zeros(40).to_sparse()), "is not a tensor of floating-point numbers"),
    (broken(emb_layer_norm_after__bias=torch.zeros(40, device="meta")), "is not a tensor of floating-point numbers"),
    (broken() | {"model": {5: torch.zeros(40)}}, "its entry 5 is not a tensor"),
]


@pytest.mark.parametrize(("content", "message"), BAD)
def test_other_checkpoints_are_refused_in_a_sentence(content, message):
    with pytest.raises(InputError, match=rf"model\.pth: .*{message}"):
        convert(content, "model.pth", None)


@pytest.mark.parametrize(
    ("name", "size", "message"),
    [
        ("attention_heads", 7, "its sizes make no network"),
        ("attention_heads", 0, "its args lack 'attention_heads', a whole number above 0"),
        ("embed_dim", 10**12, "its sizes make no network"),
        ("layers", 10**9, "asks for 1,000,000,000 layers and holds 38 tensors"),
    ],
)
def test_sizes_that_no_network_can_have_are_refused(name, size, message):
    content = broken()
    setattr(content["args"], f"encoder_{name}", size)
    with pytest.raises(InputError, match=message):
        convert(content, "model.pth", None)
