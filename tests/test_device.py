"""Choosing device and precision: the best there is, or what was asked for, or an error in words."""

from __future__ import annotations

import os

import pytest
import torch

from tests.stylizers import Copy
from vst.device import choose_device, choose_precision, has_fast_bf16, precision_name
from vst.errors import UsageError, VstError
from vst.modes import device_for
from vst.mps import FALLBACK, let_operations_fall_back


@pytest.mark.parametrize(
    "name", ["", "gpu", "cpu:0", "cuda:", "cuda:-1", "cuda:x", "cuda:٣", "CUDA", "cuda:0\n"]
)
def test_a_device_that_is_invalid_is_refused(name):
    with pytest.raises(UsageError, match="expected auto, cpu, cuda, cuda:n or mps"):
        choose_device(name)


@pytest.mark.parametrize("number", [4, 200, 256, 10**12])
def test_a_device_that_is_not_there_is_an_error_whatever_its_number(monkeypatch, number):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
    with pytest.raises(VstError, match=rf"device cuda:{number} is not there \(4 CUDA devices found\)"):
        choose_device(f"cuda:{number}")
    assert choose_device("cuda:03") == torch.device("cuda:3")


def test_without_a_gpu_auto_is_the_cpu_and_cuda_an_error(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert choose_device("auto") == torch.device("cpu")
    with pytest.raises(VstError, match="device cuda is not there"):
        choose_device("cuda")


def test_mps_is_used_when_asked_for_where_it_is_there(monkeypatch):
    with pytest.raises(VstError, match=r"device mps is not there \(it is Apple's\); use --device cpu"):
        choose_device("mps")
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert choose_device("mps") == torch.device("mps")
    assert choose_device("auto").type != "mps"
    monkeypatch.setattr("vst.device.has_fast_bf16", lambda: True)
    assert choose_precision("auto", torch.device("mps")) is torch.float32


def test_operations_that_mps_lacks_run_on_the_cpu_unless_the_user_has_decided(monkeypatch):
    monkeypatch.delenv(FALLBACK, raising=False)
    let_operations_fall_back()
    assert os.environ[FALLBACK] == "1"
    monkeypatch.setenv(FALLBACK, "0")
    let_operations_fall_back()
    assert os.environ[FALLBACK] == "0"


def test_frames_are_on_the_cpu_between_networks_on_mps():
    stylizer = Copy(conditioned=True)
    stylizer.device = torch.device("mps")
    assert device_for(stylizer, 64, 48) == torch.device("cpu")


def test_auto_precision_is_the_fastest_that_the_hardware_has(monkeypatch):
    assert choose_precision("auto", torch.device("cuda")) is torch.float16
    for capabilities, wanted in (
        ({"avx512_bf16": True}, torch.bfloat16),
        ({"amx_bf16": True}, torch.bfloat16),
        ({"avx512_bf16": False}, torch.float32),
    ):
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda found=capabilities: found, raising=False)
        assert has_fast_bf16() is (wanted is torch.bfloat16)
        assert choose_precision("auto", torch.device("cpu")) is wanted


def test_precisions_have_names_and_others_are_refused():
    for name in ("fp32", "bf16", "fp16"):
        assert precision_name(choose_precision(name, torch.device("cuda"))) == name
    with pytest.raises(UsageError, match="fp16 needs a CUDA device"):
        choose_precision("fp16", torch.device("cpu"))
    with pytest.raises(UsageError, match="precision is 'double'"):
        choose_precision("double", torch.device("cpu"))
