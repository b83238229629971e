"""cuDNN is deterministic while a network of ours runs, and set back afterwards."""

from __future__ import annotations

from threading import Event, Thread

import pytest
import torch

from vst.device import deterministic

CUDA = torch.device("cuda")


def settings() -> tuple[bool, ...]:
    cudnn = torch.backends.cudnn
    return cudnn.enabled, cudnn.benchmark, cudnn.deterministic, cudnn.allow_tf32


def test_cudnn_is_deterministic_inside_of_the_context_only():
    before = settings()
    with deterministic(CUDA):
        assert torch.backends.cudnn.deterministic
        with deterministic(CUDA):
            pass
        assert torch.backends.cudnn.deterministic, "an inner context does not end the outer one"
    assert settings() == before


def test_the_setting_is_restored_after_an_error():
    before = settings()
    with pytest.raises(ZeroDivisionError), deterministic(CUDA):
        raise ZeroDivisionError
    assert settings() == before


def test_the_setting_stays_until_the_last_thread_has_left():
    before = settings()
    entered, leave = Event(), Event()

    def other() -> None:
        with deterministic(CUDA):
            entered.set()
            leave.wait()

    thread = Thread(target=other)
    with deterministic(CUDA):
        thread.start()
        entered.wait()
    assert torch.backends.cudnn.deterministic, "the other thread is still inside"
    leave.set()
    thread.join()
    assert settings() == before


def test_networks_on_the_cpu_need_no_setting():
    with deterministic(torch.device("cpu")):
        assert not torch.backends.cudnn.deterministic
