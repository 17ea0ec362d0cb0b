"""hf:FOLDER takes any local model that keeps the documented contract, and refuses the others in a sentence."""

import json

import numpy as np
import pytest
import torch
from tokenizers import Regex, Tokenizer, models, pre_tokenizers, processors
from transformers import (
    BertConfig,
    BertModel,
    EsmConfig,
    EsmModel,
    GPT2Config,
    GPT2Model,
    LlamaConfig,
    LlamaModel,
    MambaConfig,
    MambaModel,
    PreTrainedTokenizerFast,
    T5Config,
    T5EncoderModel,
    ViTConfig,
    ViTModel,
)

from cupid_tools.errors import InputError, MissingError, UsageError
from cupid_tools.models.encoders import load_encoder
from cupid_tools.models.encoders.base import SequenceError
from cupid_tools.models.encoders.settings import EncoderSettings

RNAS = ["ACGUACGGUN", "A", "GGG", "ACGUACGGUN", "UUUACGUACGUACGUACGUACGUACGUACG"]
SMALL = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
CONTEXT = 40


def letters(alphabet="ACGUN", special=True):
    """A tokenizer of single letters, with [CLS] and [SEP] around a sequence or without."""
    names = ["[PAD]", "[CLS]", "[SEP]", "[UNK]", "[MASK]", *alphabet]
    tokenizer = Tokenizer(models.WordLevel({name: place for place, name in enumerate(names)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex("."), behavior="isolated")
    if special:
        tokenizer.post_processor = processors.TemplateProcessing(
            single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 1), ("[SEP]", 2)]
        )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        unk_token="[UNK]",
        pad_token="[PAD]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        mask_token="[MASK]",
        model_max_length=CONTEXT,
    )


def bert():
    return BertModel(BertConfig(vocab_size=10, max_position_embeddings=64, **SMALL), add_pooling_layer=False)


def esm():
    config = EsmConfig(
        vocab_size=10, max_position_embeddings=66, pad_token_id=0, mask_token_id=4, token_dropout=True, **SMALL
    )
    return EsmModel(config, add_pooling_layer=False)


def gpt2():
    config = GPT2Config(vocab_size=10, n_positions=64, n_embd=16, n_layer=2, n_head=2)
    config.bos_token_id = config.eos_token_id = None
    return GPT2Model(config)


def llama():
    config = LlamaConfig(vocab_size=10, max_position_embeddings=64, num_key_value_heads=1, **SMALL)
    return LlamaModel(config)


def mamba():
    return MambaModel(MambaConfig(vocab_size=10, hidden_size=16, num_hidden_layers=2))


KINDS = {
    "bert": (bert, True),
    "esm": (esm, True),
    "gpt2": (gpt2, False),
    "llama": (llama, False),
    "mamba": (mamba, False),
}


def save(folder, network, tokenizer):
    network.eval().save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return network


def encoder(folder, **options):
    return load_encoder(f"hf:{folder}", EncoderSettings(**({"precision": "fp32", "device": "cpu"} | options)))


@pytest.fixture(params=KINDS)
def model(request, tmp_path):
    torch.manual_seed(3)
    make, special = KINDS[request.param]
    folder = tmp_path / request.param
    return folder, save(folder, make(), letters(special=special)), special


def test_vectors_are_the_means_of_the_networks_own_states(model):
    folder, network, special = model
    tokenizer = letters(special=special)
    expected = []
    for rna in RNAS:
        ids = tokenizer(rna, return_tensors="pt").input_ids
        with torch.inference_mode():
            states = network(input_ids=ids, attention_mask=torch.ones_like(ids)).last_hidden_state[0]
        expected.append((states[1:-1] if special else states).mean(0).numpy())
    np.testing.assert_allclose(encoder(folder).embed(RNAS), expected, rtol=0, atol=1e-5)


def test_the_context_leaves_room_for_special_tokens(model):
    folder, _, special = model
    longest = CONTEXT - 2 * special
    encoder(folder).embed(["A" * longest])
    with pytest.raises(Exception, match=f"takes {longest}"):
        encoder(folder).embed(["A" * (longest + 1)])


def test_cls_needs_a_token_before_the_rna(model):
    folder, _, special = model
    if special:
        assert encoder(folder, pooling="cls").embed(RNAS).shape == (len(RNAS), 16)
    else:
        with pytest.raises(UsageError, match="this encoder has none"):
            encoder(folder, pooling="cls")


def test_the_first_token_of_a_decoder_is_no_cls(tmp_path):
    save(tmp_path / "gpt2", gpt2(), letters())
    with pytest.raises(UsageError, match="which in a decoder knows nothing of the RNA"):
        encoder(tmp_path / "gpt2", pooling="cls")


@pytest.mark.parametrize(("side", "kept"), [("right", slice(CONTEXT)), ("left", slice(-CONTEXT, None))])
def test_truncate_keeps_what_the_tokenizer_says(tmp_path, side, kept):
    save(tmp_path / "m", bert(), letters(special=False))
    change_config(tmp_path / "m", "tokenizer_config.json", truncation_side=side)
    rna = "ACGGUUA" * 10
    cut = encoder(tmp_path / "m", long="truncate").embed([rna])
    np.testing.assert_allclose(cut, encoder(tmp_path / "m").embed([rna[kept]]), rtol=0, atol=1e-6)


def test_positions_are_exact_in_bf16(tmp_path):
    save(tmp_path / "m", llama(), letters(special=False))
    (network,) = encoder(tmp_path / "m", precision="bf16")._copies
    assert {parameter.dtype for parameter in network.parameters()} == {torch.bfloat16}
    assert {buffer.dtype for name, buffer in network.named_buffers() if "inv_freq" in name} == {torch.float32}


def wrapped(model):
    tokenizer = Tokenizer(model)
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    return tokenizer


@pytest.mark.parametrize(("rna", "end"), [("ACGUN", 5), ("ACGU" * 26, 104)])
def test_an_rna_that_becomes_one_unknown_token_is_refused(tmp_path, rna, end):
    names = ["[PAD]", "[UNK]", *"ACGU", *(f"##{letter}" for letter in "ACGU")]
    tokens = {name: place for place, name in enumerate(names)}
    tokenizer = wrapped(models.WordPiece(tokens, unk_token="[UNK]", max_input_chars_per_word=100))
    save(tmp_path / "m", bert(), PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="[UNK]"))
    one = encoder(tmp_path / "m")
    assert one.embed(["ACGU"]).shape == (1, 16)
    with pytest.raises(SequenceError, match=f"is unknown to the tokenizer from nucleotide 1 to {end}") as caught:
        one.embed(["ACGU", rna])
    assert caught.value.index == 1


def test_letters_without_a_token_are_told(tmp_path, caplog):
    tokenizer = wrapped(models.BPE({letter: place for place, letter in enumerate("ACGU")}, []))
    save(tmp_path / "m", bert(), PreTrainedTokenizerFast(tokenizer_object=tokenizer))
    vectors = encoder(tmp_path / "m").embed(["ACGGU", "ACNGGNU"])
    np.testing.assert_allclose(vectors[0], vectors[1], rtol=0, atol=1e-6)
    assert "1 of 2 RNAs have letters that give no token" in caplog.text
    with pytest.raises(SequenceError, match="has letters that give no token"):
        encoder(tmp_path / "m", pooling="none").embed(["ACNGGNU"])
    with pytest.raises(SequenceError, match="gives no token"):
        encoder(tmp_path / "m").embed(["NNN"])


def test_windows_and_nucleotides_work_as_for_any_model(model):
    folder, _, _ = model
    long = ["ACGGU" * 30, "ACG"]
    states = encoder(folder, pooling="none", long="window", overlap=10).embed(long)
    assert states.shape == (153, 16)
    pooled = encoder(folder, long="window", overlap=10).embed(long)
    np.testing.assert_allclose(pooled[0], states[:150].mean(0), rtol=0, atol=1e-5)


def test_the_name_and_the_fingerprint_tell_the_files(model, tmp_path):
    folder, network, special = model
    first = encoder(folder).info
    assert first.encoder == f"hf:{folder.name}"
    save(tmp_path / "elsewhere", network, letters(special=special))
    assert encoder(tmp_path / "elsewhere").info == first
    with torch.no_grad():
        next(network.parameters()).add_(1)
    save(folder, network, letters(special=special))
    assert encoder(folder).info.fingerprint != first.fingerprint


def test_a_tokenizer_of_dna_reads_u_as_t(tmp_path):
    save(tmp_path / "dna", bert(), letters("ACGTN"))
    save(tmp_path / "rna", BertModel.from_pretrained(tmp_path / "dna", add_pooling_layer=False), letters("ACGUN"))
    np.testing.assert_array_equal(encoder(tmp_path / "dna").embed(RNAS), encoder(tmp_path / "rna").embed(RNAS))


def change_config(folder, name="config.json", **changes):
    path = folder / name
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def only_pickle(folder):
    torch.save(bert().state_dict(), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()


def cut_short(folder):
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])


def of_images(folder):
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    ViTModel(ViTConfig(**sizes, image_size=8, patch_size=4)).save_pretrained(folder)


BAD = {
    "no config": (lambda folder: (folder / "config.json").unlink(), r"has no config\.json"),
    "no tokenizer": (lambda folder: (folder / "tokenizer.json").unlink(), r"has no tokenizer\.json"),
    "pickle": (only_pickle, r"has no \*\.safetensors"),
    "cut short": (cut_short, "incomplete|deserializing"),
    "code": (lambda folder: change_config(folder, auto_map={"AutoModel": "x.Y"}), "needs code of its own"),
    "unknown": (lambda folder: change_config(folder, model_type="nobodys"), "nobodys"),
    "a number": (lambda folder: (folder / "config.json").write_text("3"), "int"),
    "a word for a size": (lambda folder: change_config(folder, hidden_size="x"), "hidden_size"),
    "empty tokenizer": (lambda folder: (folder / "tokenizer.json").write_text("null"), "NoneType"),
    "not JSON": (lambda folder: (folder / "config.json").write_text("{"), "is no JSON|Expecting"),
    "other sizes": (lambda folder: change_config(folder, intermediate_size=18), r"has shape \[\d+\], and its config"),
    "missing tensors": (lambda folder: change_config(folder, num_hidden_layers=3), "lacks the tensor"),
    "fewer layers": (lambda folder: change_config(folder, num_hidden_layers=1), r"holds the tensor 'encoder\.layer\.1"),
    "images": (of_images, "no attribute|no tokens"),
    "small vocabulary": (lambda folder: letters("ACGUNRYKMSW").save_pretrained(folder), "its tokenizer has 16 tokens"),
    "protein": (lambda folder: letters("LKVDE").save_pretrained(folder), "does not read A, C, G and U or T"),
}


@pytest.mark.parametrize("case", BAD)
def test_other_folders_are_refused_in_a_sentence(tmp_path, case):
    spoil, message = BAD[case]
    save(tmp_path / "m", bert(), letters())
    spoil(tmp_path / "m")
    with pytest.raises(InputError, match=rf"{tmp_path}/m: .*({message})") as caught:
        encoder(tmp_path / "m")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["somebody/kernel", "flash_attention_2", "eager"])
def test_a_folder_does_not_choose_the_code_that_runs(tmp_path, name):
    save(tmp_path / "m", bert(), letters())
    plain = encoder(tmp_path / "m").embed(RNAS)
    change_config(tmp_path / "m", attn_implementation=name)
    chosen = encoder(tmp_path / "m")
    assert chosen._copies[0].network.config._attn_implementation == "sdpa"
    np.testing.assert_array_equal(chosen.embed(RNAS), plain)


def test_encoder_with_decoder_is_refused(tmp_path):
    config = T5Config(vocab_size=10, d_model=16, d_kv=8, d_ff=32, num_layers=1, num_heads=2)
    save(tmp_path / "t5", T5EncoderModel(config), letters())
    change_config(tmp_path / "t5", is_encoder_decoder=True)
    with pytest.raises(InputError, match="is an encoder with a decoder"):
        encoder(tmp_path / "t5")


def test_a_folder_may_lie_in_the_home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    save(tmp_path / "m", bert(), letters())
    assert load_encoder("hf:~/m", EncoderSettings()).dim == 16


def test_a_folder_that_is_not_there_is_missing():
    with pytest.raises(MissingError, match="no such folder"):
        encoder("nowhere/model")
