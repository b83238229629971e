"""Measuring paintings: metrics, the baselines to beat, and by whose motion they are judged."""

from __future__ import annotations

from vst.evaluate.baselines import Baseline, Blend, Paste, Still, StillBehind
from vst.evaluate.curves import METRICS, Curves, Point, Summary
from vst.evaluate.flow import FlowScore, ZeroFlow, evaluate_flow, score_flow
from vst.evaluate.flow_data import LAYOUTS, FlowPair, find_pairs
from vst.evaluate.judge import EstimatorJudge, Judge, SceneJudge
from vst.evaluate.masks import MaskScore, score_mask
from vst.evaluate.metrics import (
    gradient_energy,
    in_8_bits,
    mean_squared_error,
    structural_similarity,
    temporal_error,
    warping_error,
)
from vst.evaluate.reappearance import Reappearance, reappearance_error

__all__ = [
    "LAYOUTS",
    "METRICS",
    "Baseline",
    "Blend",
    "Curves",
    "EstimatorJudge",
    "FlowPair",
    "FlowScore",
    "Judge",
    "MaskScore",
    "Paste",
    "Point",
    "Reappearance",
    "SceneJudge",
    "Still",
    "StillBehind",
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
