"""Tiny language models with random weights, saved in the formats in which the real ones are published."""

import json
from argparse import Namespace

import numpy as np
import torch
from tokenizers import Tokenizer, models, pre_tokenizers

from cupid_tools.models.pretraining.corpus import make_corpus
from cupid_tools.models.pretraining.masked import Masked
from cupid_tools.models.pretraining.network import NetworkSettings
from cupid_tools.models.pretraining.product import write_pretrained
from cupid_tools.models.pretraining.settings import PretrainSettings
from cupid_tools.models.pretraining.training import Task
from cupid_tools.recipes import PRETRAINING, recipe_section
from cupid_tools.vocab import Rna

SEED = 7
UNUSED = "<|unused{}|>"
BASE_TOKENS = ["<|endoftext|>", *"ABCDGHKMNRSUVWXY", "Ċ", "Ġ"]
MERGES = {  # those of the published tokenizer that make UAGCUUAUCAGACUGAUGUUG, with the numbers of what they give
    ("U", "U"): 21,
    ("A", "G"): 23,
    ("U", "G"): 24,
    ("A", "C"): 25,
    ("AG", "C"): 31,
    ("A", "UG"): 34,
    ("U", "C"): 26,
    ("A", "UC"): 39,
    ("UU", "G"): 44,
    ("U", "AGC"): 72,
    ("AG", "AC"): 89,
    ("UG", "AUG"): 345,
    ("UU", "AUC"): 618,
}


def rnafm_args(**sizes):
    """The args of a published RNA-FM checkpoint, with other sizes."""
    plain = {
        "layers": 2,
        "embed_dim": 40,
        "ffn_embed_dim": 80,
        "attention_heads": 4,
        "max_positions": 1024,
        "token_dropout": True,
    } | sizes
    prefixed = {f"encoder_{name}" if name != "token_dropout" else name: value for name, value in plain.items()}
    prefixed["max_positions"] = prefixed.pop("encoder_max_positions")
    return Namespace(arch="roberta_large", final_bias=True, **prefixed), Namespace(arch="roberta_large", **plain)


def rnafm_network(seed=SEED, layer_norm_before=True, **sizes):
    """The authors' network with random weights."""
    import fm

    torch.manual_seed(seed)
    _, args = rnafm_args(**sizes)
    args.emb_layer_norm_before = layer_norm_before
    network = fm.BioBertModel(args, fm.Alphabet.from_architecture("roberta_large", theme="rna")).eval()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(torch.randn_like(parameter) * 0.2 + (parameter.dim() == 1))
        network.embed_tokens.weight[24] = 0  # the row of <mask>, as the authors' loader leaves it
    return network


def save_rnafm(path, seed=SEED, **sizes):
    """Write a checkpoint in the format of ``RNA-FM_pretrained.pth`` and return the authors' network of its weights."""
    network = rnafm_network(seed, **sizes)
    heads = ("lm_head.", "contact_head.")
    state = {
        f"encoder.{name}" if name.startswith(heads) else f"encoder.sentence_encoder.{name}": tensor
        for name, tensor in network.state_dict().items()
        if not name.startswith("contact_head.")
    }
    torch.save({"args": rnafm_args(**sizes)[0], "model": state}, path)
    return network


def generrna_sizes(**sizes):
    """The model_args of a nanoGPT checkpoint."""
    return {
        "n_layer": 2,
        "n_head": 2,
        "n_embd": 24,
        "block_size": 64,
        "vocab_size": 1024,
        "bias": False,
        "dropout": 0.0,
    } | sizes


def save_generrna(path, seed=SEED, **sizes):
    """Write a checkpoint in the format of GenerRNA's ``model.pt`` and return its state, without prefixes."""
    sizes = generrna_sizes(**sizes)
    width = sizes["n_embd"]
    generator = torch.Generator().manual_seed(seed)

    def random(*shape):
        return torch.randn(shape, generator=generator) * 0.2

    def norm(name):
        return {f"{name}.weight": random(width) + 1} | ({f"{name}.bias": random(width)} if sizes["bias"] else {})

    def linear(name, rows, columns):
        return {f"{name}.weight": random(rows, columns)} | ({f"{name}.bias": random(rows)} if sizes["bias"] else {})

    state = {
        "transformer.wte.weight": random(sizes["vocab_size"], width),
        "transformer.wpe.weight": random(sizes["block_size"], width),
    }
    for layer in range(sizes["n_layer"]):
        block = f"transformer.h.{layer}"
        state |= norm(f"{block}.ln_1") | norm(f"{block}.ln_2")
        state |= linear(f"{block}.attn.c_attn", 3 * width, width) | linear(f"{block}.attn.c_proj", width, width)
        state |= linear(f"{block}.mlp.c_fc", 4 * width, width) | linear(f"{block}.mlp.c_proj", width, 4 * width)
    state |= norm("transformer.ln_f")
    state["lm_head.weight"] = state["transformer.wte.weight"]
    compiled = {f"_orig_mod.{name}": tensor for name, tensor in state.items()}
    torch.save({"model": compiled, "model_args": sizes, "iter_num": 3, "best_val_loss": 1.0}, path)
    return state


def generrna_tokenizer():
    """The text of a tokenizer.json like the published one: 1024 tokens, of which only some are what they are there."""
    known = dict(zip(BASE_TOKENS, range(len(BASE_TOKENS)), strict=True))
    known |= {left + right: number for (left, right), number in MERGES.items()}
    taken = set(known.values())
    known |= {UNUSED.format(number): number for number in range(1024) if number not in taken}
    merges = sorted(MERGES, key=MERGES.get)
    tokenizer = Tokenizer(models.BPE(vocab=known, merges=merges))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)  # as in the published file
    return json.dumps(json.loads(tokenizer.to_str()), ensure_ascii=False)


def save_huggingface(folder, seed=SEED):
    """Write a tiny BERT of single letters, as transformers saves one."""
    from tokenizers import Regex, processors
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    torch.manual_seed(seed)
    names = {name: place for place, name in enumerate(["[PAD]", "[CLS]", "[SEP]", "[UNK]", *"ACGURYKMSWBDHVN"])}
    tokenizer = Tokenizer(models.WordLevel(names, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex("."), behavior="isolated")
    around = [("[CLS]", 1), ("[SEP]", 2)]
    tokenizer.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=around)
    special = {"unk_token": "[UNK]", "pad_token": "[PAD]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, **special).save_pretrained(folder)
    sizes = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
    BertModel(BertConfig(vocab_size=len(names), **sizes), add_pooling_layer=False).eval().save_pretrained(folder)


def save_own(path, max_length=100):
    """Write what cupid-pretrain leaves, as if it had not learned anything."""
    chosen = {"max_length": max_length, "type_weight": 0.1}
    settings = recipe_section("mini", "training", PretrainSettings, chosen, family=PRETRAINING)
    network = NetworkSettings("masked", "random", width=16, layers=2, heads=2, feed_forward=2, dropout=0.0)
    corpus = make_corpus([Rna("a", "ACGU", "miRNA"), Rna("b", "GGAC", "tRNA")])
    torch.manual_seed(5)
    model = Masked(network, len(corpus.type_names))
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return write_pretrained(path, Task(network, settings, "fp32", 1), model, corpus, np.array([1]), [])
