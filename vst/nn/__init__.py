"""What networks are made of: layers, the body that several modes share, loss networks, tiling.

They open no file and choose no device.
"""

from __future__ import annotations

from vst.nn.body import TransformationBody, Variant
from vst.nn.style_network import Hyperparameters, StyleNetwork
from vst.nn.vgg import SlimVGG19, VGGFeatures

__all__ = [
    "Hyperparameters",
    "SlimVGG19",
    "StyleNetwork",
    "TransformationBody",
    "VGGFeatures",
    "Variant",
]
