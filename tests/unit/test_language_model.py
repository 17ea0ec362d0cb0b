"""What every language model shares: memory that runs out, devices, precision, numbers that overflow."""

from argparse import Namespace

import numpy as np
import pytest
import torch

from cupid_tools.errors import MissingError, OutOfMemoryError, UsageError
from cupid_tools.models.encoders import language_model
from cupid_tools.models.encoders.base import BatchMemoryError, SequenceError
from cupid_tools.models.encoders.language_model import LanguageModelEncoder, build_encoder
from cupid_tools.models.encoders.precision import choose_precision, fast_bf16
from cupid_tools.models.encoders.rnafm import RnaFm, convert
from cupid_tools.models.encoders.settings import EncoderSettings
from tests.language_models import save_rnafm

RNAS = ["ACGU" * 5, "GG", "ACGU" * 5, "U" * 200, "ACGUN" * 30, "C"]
CPU = torch.device("cpu")


def load(path, **sizes):
    save_rnafm(path, **sizes)
    with torch.serialization.safe_globals([Namespace]):
        return convert(torch.load(path, weights_only=True), path.name, None)


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    return load(tmp_path_factory.mktemp("weights") / "x.pth")


def encoder(weights, **options):
    settings = EncoderSettings(**({"precision": "fp32", "device": "cpu"} | options))
    return build_encoder("rnafm", "f", settings, lambda: RnaFm(weights))


class Greedy(RnaFm):
    """Runs out of memory above *most* tokens, as torch tells it."""

    most = 0
    error: Exception

    def forward(self, tokens, groups):
        if len(tokens) > self.most:
            raise self.error
        return super().forward(tokens, groups)


SHORTAGES = {
    "gpu": torch.OutOfMemoryError("CUDA out of memory"),
    "cublas": RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
    "cpu": RuntimeError(
        "[enforce fail at alloc_cpu.cpp:117] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"
    ),
}


@pytest.fixture(params=SHORTAGES)
def greedy(request, weights):
    network = Greedy(weights).eval()
    network.error = SHORTAGES[request.param]
    return network


def test_out_of_memory_halves_the_batch_and_loses_nothing(greedy, weights, caplog):
    plain = encoder(weights)
    greedy.most = 210
    halving = LanguageModelEncoder([greedy], plain.info, EncoderSettings(batch_tokens=1000))
    np.testing.assert_allclose(halving.embed(RNAS), plain.embed(RNAS), rtol=0, atol=2e-6)
    assert "out of memory with 405 tokens; going on with half of them" in caplog.text


def test_an_rna_that_does_not_fit_alone_is_named(greedy, weights):
    greedy.most = 160
    halving = LanguageModelEncoder([greedy], encoder(weights).info, EncoderSettings(batch_tokens=1000))
    with pytest.raises(BatchMemoryError) as caught:
        halving.embed(RNAS)
    assert caught.value.index == 3
    assert caught.value.exit_code == 75


def test_memory_that_ends_while_states_are_pooled_is_told(weights, monkeypatch):
    def pool(*arguments):
        raise SHORTAGES["gpu"]

    monkeypatch.setattr(language_model, "pool_windows", pool)
    with pytest.raises(OutOfMemoryError, match="out of GPU memory"):
        encoder(weights).embed(RNAS)


def test_a_network_that_does_not_fit_is_told():
    def make():
        raise SHORTAGES["gpu"]

    with pytest.raises(OutOfMemoryError, match="out of GPU memory"):
        build_encoder("rnafm", "f", EncoderSettings(device="cpu"), make)


def test_other_errors_of_the_network_are_not_taken_for_memory(greedy, weights):
    greedy.error = RuntimeError("device-side assert")
    with pytest.raises(RuntimeError, match="device-side assert"):
        LanguageModelEncoder([greedy], encoder(weights).info, EncoderSettings()).embed(RNAS)


@pytest.mark.parametrize("pooling", ["mean+max", "none"])
@pytest.mark.parametrize("long", ["error", "window"])
def test_several_devices_share_the_work(weights, pooling, long):
    rnas = RNAS if long == "error" else [*RNAS, "ACGGU" * 600]
    one = encoder(weights, pooling=pooling, long=long)
    settings = EncoderSettings(pooling=pooling, long=long)
    three = LanguageModelEncoder([RnaFm(weights).eval() for _ in range(3)], one.info, settings)
    np.testing.assert_allclose(three.embed(rnas), one.embed(rnas), rtol=0, atol=2e-6)


def test_an_error_on_one_of_several_devices_is_told(greedy, weights):
    copies = [RnaFm(weights).eval(), greedy]
    with pytest.raises(BatchMemoryError):
        LanguageModelEncoder(copies, encoder(weights).info, EncoderSettings()).embed(RNAS)


def test_no_rnas_give_no_vectors(weights):
    assert encoder(weights).embed([]).shape == (0, 40)
    assert encoder(weights, pooling="none").embed([]).shape == (0, 40)


@pytest.mark.parametrize("precision", ["fp32", "bf16", "fp16", "int8"])
def test_a_lower_precision_stays_near(tmp_path, precision):
    real = load(tmp_path / "x.pth", layers=3, embed_dim=320, ffn_embed_dim=1280, attention_heads=10)
    rnas = [*RNAS, "ACGGUCA" * 70]
    exact, ours = encoder(real), encoder(real, precision=precision)
    assert ours.info.precision == precision
    a, b = exact.embed(rnas), ours.embed(rnas)
    cosines = (a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)
    assert b.dtype == np.float32
    assert cosines.min() >= 0.9995


def test_numbers_above_those_of_fp16_are_refused(tmp_path):
    huge = load(tmp_path / "x.pth")
    for name in ("encoder.layer.0.intermediate.dense.weight", "encoder.layer.0.output.dense.weight"):
        huge.tensors[name] = huge.tensors[name] * 1000
    assert np.isfinite(encoder(huge).embed(RNAS)).all()
    with pytest.raises(SequenceError, match="gives NaN or infinity in fp16") as caught:
        encoder(huge, precision="fp16").embed(RNAS)
    assert caught.value.index == 0


def test_nan_of_damaged_weights_is_told_as_such(tmp_path):
    damaged = load(tmp_path / "x.pth")
    damaged.tensors["encoder.layer.1.output.dense.bias"][3] = float("nan")
    with pytest.raises(SequenceError, match="gives NaN or infinity in fp32") as caught:
        encoder(damaged).embed(RNAS)
    assert caught.value.hint == "the weights may be damaged"


def test_what_truncate_cuts_is_told(weights, caplog):
    with caplog.at_level("INFO", logger="cupid_tools"):
        encoder(weights, long="truncate").embed(["ACGU", "A" * 1023, "C" * 1022])
    assert caplog.messages[-1] == "cut 1 of 3 RNAs to 1,022 tokens"


def test_an_overlap_without_windows_is_refused(weights):
    with pytest.raises(UsageError, match="--overlap is that of windows"):
        encoder(weights, long="truncate", overlap=30)


def test_too_long_is_told_with_the_two_other_policies(weights):
    with pytest.raises(SequenceError) as caught:
        encoder(weights).embed(["ACGU", "A" * 1023])
    assert caught.value.index == 1
    assert caught.value.problem == "has 1,023 tokens, and encoder rnafm takes 1,022"
    assert "--long window" in caught.value.hint
    assert "--long truncate" in caught.value.hint


def test_states_of_all_nucleotides_cannot_come_from_a_part(weights):
    with pytest.raises(UsageError, match="--pooling none gives every nucleotide a vector, and --long truncate cuts"):
        encoder(weights, pooling="none", long="truncate")


def test_the_store_says_what_was_asked_for(weights):
    info = encoder(weights, pooling="max", long="window", overlap=30, precision="bf16").info
    assert (info.encoder, info.fingerprint, info.pooling) == ("rnafm", "f", "max")
    assert (info.long, info.precision) == ("window:30", "bf16")
    again = EncoderSettings.of_store(info, device="cpu", threads=None, weights_dir=None)
    assert encoder(weights, **vars(again)).info == info


CPUINFO = "processor : 0\nvendor_id : {}\nflags : fpu sse avx512f {}\n"


@pytest.mark.parametrize(
    ("vendor", "flags", "fast"),
    [
        ("GenuineIntel", "avx512_bf16", False),
        ("GenuineIntel", "avx512_bf16 amx_bf16 amx_tile", True),
        ("AuthenticAMD", "avx512_bf16", True),
        ("AuthenticAMD", "avx2", False),
    ],
)
def test_which_processors_are_faster_in_bf16(tmp_path, vendor, flags, fast):
    (tmp_path / "cpuinfo").write_text(CPUINFO.format(vendor, flags))
    assert fast_bf16(tmp_path / "cpuinfo") is fast


def test_a_machine_that_does_not_tell_its_processor_computes_in_float32(tmp_path):
    assert not fast_bf16(tmp_path / "absent")


def test_int8_is_for_cpus():
    with pytest.raises(UsageError, match="int8 is for CPUs"):
        choose_precision("int8", [torch.device("cuda", 0)])


@pytest.mark.parametrize("device", ["tpu", "cuda:", "cuda:0,", "cpu:0", "cuda:0,0"])
def test_unknown_devices_are_refused(weights, device):
    with pytest.raises(UsageError):
        encoder(weights, device=device)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
@pytest.mark.parametrize("device", ["cuda", "cuda:0,1"])
def test_a_gpu_that_is_not_there_is_missing(weights, device):
    with pytest.raises(MissingError, match=r"is not there \(0 found\)"):
        encoder(weights, device=device)
