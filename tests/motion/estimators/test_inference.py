"""Flow networks run in the chosen precision and with deterministic convolutions, and change no setting."""

from __future__ import annotations

from threading import Event, Thread

import pytest
import torch

from vst.motion.estimators import inference
from vst.motion.estimators.inference import deterministic_cudnn, flow_inference
from vst.motion.estimators.network_estimator import NetworkEstimator
from vst.motion.estimators.refined.refined_estimator import RefinedEstimator
from vst.motion.estimators.refined.refinement_network import RefinementNetwork


def settings() -> tuple[bool, ...]:
    cudnn = torch.backends.cudnn
    return cudnn.enabled, cudnn.benchmark, cudnn.deterministic, cudnn.allow_tf32


def test_cudnn_is_deterministic_inside_of_the_context_only():
    before = settings()
    with deterministic_cudnn():
        assert torch.backends.cudnn.deterministic
        with deterministic_cudnn():
            pass
        assert torch.backends.cudnn.deterministic, "an inner context does not end the outer one"
    assert settings() == before


def test_the_setting_is_restored_after_an_error():
    before = settings()
    with pytest.raises(ZeroDivisionError), deterministic_cudnn():
        raise ZeroDivisionError
    assert settings() == before


def test_a_context_in_another_thread_does_not_end_this_one():
    entered, leave, inside = Event(), Event(), []

    def other() -> None:
        entered.wait()
        with deterministic_cudnn():
            inside.append(torch.backends.cudnn.deterministic)

    thread = Thread(target=other)
    thread.start()
    with deterministic_cudnn():
        entered.set()
        leave.wait(0.05)
        assert torch.backends.cudnn.deterministic
        assert not inside, "the other thread waits"
    thread.join()
    assert inside == [True]
    assert not torch.backends.cudnn.deterministic


def test_features_have_the_precision_and_float32_means_no_autocast():
    ones = torch.ones(2, 2)
    for precision in (torch.float32, torch.bfloat16):
        with flow_inference(torch.device("cpu"), precision):
            assert (ones @ ones).dtype == precision


def test_creating_an_estimator_changes_no_setting_of_the_process():
    before, cuda = settings(), torch.device("cuda")

    class Unplaced(RefinementNetwork):
        """Stays on the CPU, so that this test needs no GPU."""

        def to(self, *arguments, **options):
            return self

    RefinedEstimator(Unplaced(2), cuda, torch.float32)
    NetworkEstimator("x", lambda first, second: first, cuda, torch.float32)
    assert settings() == before


def test_only_networks_on_cuda_need_the_cudnn_setting(monkeypatch):
    entered = []
    original = inference.deterministic_cudnn
    monkeypatch.setattr(inference, "deterministic_cudnn", lambda: (entered.append(1), original())[1])
    with flow_inference(torch.device("cpu"), torch.float32):
        assert not torch.backends.cudnn.deterministic
    assert not entered
