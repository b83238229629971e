"""Synthetic clips with exact flow and occlusion: for the demo, tests, training and evaluation."""

from __future__ import annotations

from vst.train.scenes.config import SceneConfig
from vst.train.scenes.presets import PRESETS, create_scene
from vst.train.scenes.scene import Scene

__all__ = ["PRESETS", "Scene", "SceneConfig", "create_scene"]
