"""GenerRNA through transformers gives what nanoGPT's definition gives; its tokens are the published ones."""

import json
import math

import numpy as np
import pytest
import torch

from cupid_tools.errors import InputError, UsageError
from cupid_tools.models.encoders.generrna import GenerRna, convert
from cupid_tools.models.encoders.language_model import build_encoder
from cupid_tools.models.encoders.settings import EncoderSettings
from cupid_tools.vocab import RNA_LETTERS
from tests.language_models import generrna_sizes, generrna_tokenizer, save_generrna

MIR_21 = "UAGCUUAUCAGACUGAUGUUG"
PUBLISHED_TOKENS = [72, 618, 89, 345, 44]
TOLERANCE = 1e-5


def rnas(lengths):
    letters = np.random.default_rng(2)
    return ["".join(letters.choice(list(RNA_LETTERS), length)) for length in lengths]


def by_definition(state, sizes, ids):
    """States [tokens, channels] after the last norm, from nanoGPT's definition in plain tensor arithmetic."""

    def norm(x, name):
        centred = x - x.mean(-1, keepdim=True)
        scaled = centred / torch.sqrt(centred.square().mean(-1, keepdim=True) + 1e-5)
        return scaled * state[f"{name}.weight"] + state.get(f"{name}.bias", 0)

    def linear(x, name):
        return x @ state[f"{name}.weight"].T + state.get(f"{name}.bias", 0)

    count, heads = len(ids), sizes["n_head"]
    x = state["transformer.wte.weight"][ids] + state["transformer.wpe.weight"][:count]
    future = torch.ones(count, count, dtype=torch.bool).triu(1)
    for layer in range(sizes["n_layer"]):
        block = f"transformer.h.{layer}"
        q, k, v = linear(norm(x, f"{block}.ln_1"), f"{block}.attn.c_attn").split(sizes["n_embd"], dim=1)
        q, k, v = (part.view(count, heads, -1).transpose(0, 1) for part in (q, k, v))
        attention = (q @ k.transpose(1, 2) / math.sqrt(q.shape[-1])).masked_fill(future, -math.inf).softmax(-1)
        x = x + linear((attention @ v).transpose(0, 1).reshape(count, -1), f"{block}.attn.c_proj")
        inner = linear(norm(x, f"{block}.ln_2"), f"{block}.mlp.c_fc")
        x = x + linear(inner * 0.5 * (1 + torch.erf(inner / math.sqrt(2))), f"{block}.mlp.c_proj")
    return norm(x, "transformer.ln_f").numpy()


def load(path):
    return torch.load(path, weights_only=True)


def encoder(weights, pooling="mean", **options):
    plain = EncoderSettings(pooling=pooling, precision="fp32", device="cpu", **options)
    return build_encoder("generrna", "f", plain, lambda: GenerRna(weights))


@pytest.fixture(scope="module", params=[True, False], ids=["biases", "no biases"])
def published(request, tmp_path_factory):
    path = tmp_path_factory.mktemp("generrna") / "model.pt"
    state = save_generrna(path, bias=request.param)
    return state, generrna_sizes(bias=request.param), convert(load(path), "model.pt", generrna_tokenizer())


def test_the_published_tokens_of_mir_21(published):
    (tokens,) = GenerRna(published[2]).tokenize([MIR_21])
    assert tokens.ids.tolist() == PUBLISHED_TOKENS
    assert tokens.lengths.tolist() == [4, 5, 4, 5, 3]


def test_every_letter_of_an_rna_has_a_token(published):
    (tokens,) = GenerRna(published[2]).tokenize([RNA_LETTERS])
    assert tokens.lengths.sum() == len(RNA_LETTERS)


@pytest.mark.parametrize("pooling", ["mean", "max", "mean+max"])
def test_pooled_vectors_follow_the_definition(published, pooling):
    state, sizes, weights = published
    sequences = [MIR_21, *rnas([1, 2, 10, 40, 60])]
    tokens = GenerRna(weights).tokenize(sequences)
    parts = {"mean": [np.mean], "max": [np.max], "mean+max": [np.mean, np.max]}[pooling]
    expected = [
        np.concatenate([part(by_definition(state, sizes, torch.from_numpy(found.ids)), axis=0) for part in parts])
        for found in tokens
    ]
    np.testing.assert_allclose(encoder(weights, pooling).embed(sequences), expected, rtol=0, atol=TOLERANCE)


def test_truncate_keeps_the_last_tokens(published):
    state, sizes, weights = published
    (sequence,) = rnas([300])
    (tokens,) = GenerRna(weights).tokenize([sequence])
    assert len(tokens.ids) > sizes["block_size"]
    expected = by_definition(state, sizes, torch.from_numpy(tokens.ids[-sizes["block_size"] :])).mean(0)
    vectors = encoder(weights, long="truncate").embed([sequence])
    np.testing.assert_allclose(vectors[0], expected, rtol=0, atol=TOLERANCE)


def test_every_nucleotide_has_the_state_of_its_token(published):
    state, sizes, weights = published
    states = encoder(weights, "none").embed(["ACGU", MIR_21])[4:]
    expected = by_definition(state, sizes, torch.tensor(PUBLISHED_TOKENS))
    np.testing.assert_allclose(states, np.repeat(expected, [4, 5, 4, 5, 3], axis=0), rtol=0, atol=TOLERANCE)


def test_windows_of_states_meet_where_the_tokens_do(published):
    state, sizes, weights = published
    (sequence,) = rnas([90])
    (tokens,) = GenerRna(weights).tokenize([sequence])
    context, count = sizes["block_size"], len(tokens.ids)
    states = encoder(weights, "none", long="window", overlap=10).embed([sequence])
    ids = torch.from_numpy(tokens.ids)
    by_token = np.concatenate(
        [
            by_definition(state, sizes, ids[:context]),
            by_definition(state, sizes, ids[-context:])[2 * context - count :],  # those that the first did not hold
        ]
    )
    np.testing.assert_allclose(states, np.repeat(by_token, tokens.lengths, axis=0), rtol=0, atol=TOLERANCE)


def test_it_has_no_token_before_the_rna(published):
    with pytest.raises(UsageError, match="--pooling cls takes the token before the RNA, and this encoder has none"):
        encoder(published[2], "cls")


def changed(path, **changes):
    save_generrna(path)
    content = load(path)
    for name, value in changes.items():
        key = f"_orig_mod.transformer.{name.replace('__', '.')}"
        content["model"].pop(key, None)
        if value is not None:
            content["model"][key] = value
    return content


def test_other_checkpoints_are_refused_in_a_sentence(tmp_path):
    path, text = tmp_path / "model.pt", generrna_tokenizer()
    bad = [
        ({}, "is not a GenerRNA checkpoint"),
        ({"model": {}, "model_args": {"n_layer": 2}}, "its model_args lack 'n_head'"),
        (changed(path, ln_f__weight=None), r"lacks the tensor 'ln_f\.weight'"),
        (changed(path, extra__weight=torch.zeros(2)), r"holds the tensor 'extra\.weight'"),
        (changed(path, wpe__weight=torch.zeros(9, 24)), r"has shape \[9, 24\], and its sizes ask for \[64, 24\]"),
        (changed(path, h__0__mlp__c_fc__weight=torch.zeros(2, 3, 4)), r"has shape \[2, 3, 4\], and its sizes ask"),
    ]
    for content, message in bad:
        with pytest.raises(InputError, match=rf"model\.pt: .*{message}"):
            convert(content, "model.pt", text)


def test_sizes_that_no_network_can_have_are_refused(tmp_path):
    for name, size, message in (
        ("n_head", 7, "its sizes make no network"),
        ("n_head", 0, "its model_args lack 'n_head', a whole number above 0"),
        ("n_layer", 10**9, "asks for 1,000,000,000 layers"),
    ):
        content = changed(tmp_path / "model.pt")
        content["model_args"][name] = size
        with pytest.raises(InputError, match=message):
            convert(content, "model.pt", generrna_tokenizer())


def test_a_tokenizer_that_does_not_belong_is_refused(tmp_path):
    save_generrna(tmp_path / "model.pt", vocab_size=500)
    content = load(tmp_path / "model.pt")
    with pytest.raises(InputError, match="has 500 tokens, and the tokenizer 1,024"):
        convert(content, "model.pt", generrna_tokenizer())
    save_generrna(tmp_path / "model.pt")
    of_dna = json.loads(generrna_tokenizer())
    of_dna["model"]["merges"] = []
    of_dna["model"]["vocab"]["T"] = of_dna["model"]["vocab"].pop("U")
    for text, message in (
        ("rubbish", r"its tokenizer is no tokenizer\.json"),
        (json.dumps(of_dna), "its tokenizer does not read A, C, G and U"),
    ):
        with pytest.raises(InputError, match=message):
            convert(load(tmp_path / "model.pt"), "model.pt", text)
    with pytest.raises(UsageError, match=r"needs the tokenizer\.json"):
        convert(load(tmp_path / "model.pt"), "model.pt", None)
