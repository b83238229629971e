"""Measuring paintings: metrics, the baselines to beat, and by whose motion they are judged."""

from __future__ import annotations

from vst.evaluate.baselines import Baseline, Blend, Paste, Still
from vst.evaluate.curves import METRICS, Curves, Point, Summary
from vst.evaluate.judge import EstimatorJudge, Judge, SceneJudge
from vst.evaluate.masks import MaskScore, score_mask
from vst.evaluate.metrics import (
    gradient_energy,
    mean_squared_error,
    structural_similarity,
    temporal_error,
    warping_error,
)
from vst.evaluate.reappearance import Reappearance, reappearance_error

__all__ = [
    "METRICS",
    "Baseline",
    "Blend",
    "Curves",
    "EstimatorJudge",
    "Judge",
    "MaskScore",
    "Paste",
    "Point",
    "Reappearance",
    "SceneJudge",
    "Still",
    "Summary",
    "gradient_energy",
    "mean_squared_error",
    "reappearance_error",
    "score_mask",
    "structural_similarity",
    "temporal_error",
    "warping_error",
]
