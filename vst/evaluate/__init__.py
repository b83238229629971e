"""Measuring stylized clips: metrics, baselines, reference flows, and the accuracy of optical flow."""

from __future__ import annotations

from vst.evaluate.baselines import (
    Baseline,
    BlendBaseline,
    ForwardStillBaseline,
    PasteBaseline,
    StillBaseline,
)
from vst.evaluate.curves import Curves, Point, Summary
from vst.evaluate.flow_accuracy import FlowScore, ZeroFlow, evaluate_flow, score_flow
from vst.evaluate.flow_datasets import LAYOUTS, FlowPair, find_pairs
from vst.evaluate.images import in_8_bits
from vst.evaluate.mask_accuracy import MaskScore, score_mask
from vst.evaluate.metrics import METRICS
from vst.evaluate.metrics.adjacent import mean_squared_error, structural_similarity
from vst.evaluate.metrics.detail import gradient_energy
from vst.evaluate.metrics.metric import Metric
from vst.evaluate.metrics.reappearance import reappearance_error
from vst.evaluate.metrics.temporal import temporal_error, warping_error
from vst.evaluate.reference import EstimatedReference, ReferenceFlow, SceneReference
from vst.evaluate.scene_reappearance import SceneReappearance

__all__ = [
    "LAYOUTS",
    "METRICS",
    "Baseline",
    "BlendBaseline",
    "Curves",
    "EstimatedReference",
    "FlowPair",
    "FlowScore",
    "ForwardStillBaseline",
    "MaskScore",
    "Metric",
    "PasteBaseline",
    "Point",
    "ReferenceFlow",
    "SceneReappearance",
    "SceneReference",
    "StillBaseline",
    "Summary",
    "ZeroFlow",
    "evaluate_flow",
    "find_pairs",
    "gradient_energy",
    "in_8_bits",
    "mean_squared_error",
    "reappearance_error",
    "score_flow",
    "score_mask",
    "structural_similarity",
    "temporal_error",
    "warping_error",
]
