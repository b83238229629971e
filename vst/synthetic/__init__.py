"""Synthetic clips with exact flow and occlusion: for tests, training and evaluation."""

from __future__ import annotations

from vst.synthetic.config import SceneConfig
from vst.synthetic.presets import PRESETS, create_scene
from vst.synthetic.scene import Scene

__all__ = ["PRESETS", "Scene", "SceneConfig", "create_scene"]
