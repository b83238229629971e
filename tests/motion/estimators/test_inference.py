"""Flow networks run in the chosen precision and with deterministic convolutions, and change no setting."""

from __future__ import annotations

import torch

from vst.motion.estimators.inference import flow_inference
from vst.motion.estimators.network_estimator import NetworkEstimator
from vst.motion.estimators.refined.refined_estimator import RefinedEstimator
from vst.motion.estimators.refined.refinement_network import RefinementNetwork


def settings() -> tuple[bool, ...]:
    cudnn = torch.backends.cudnn
    return cudnn.enabled, cudnn.benchmark, cudnn.deterministic, cudnn.allow_tf32


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
