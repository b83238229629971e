"""The networks: `nn.Module`s only. They open no file and choose no device."""

from __future__ import annotations

from vst.nn.itn import ITN
from vst.nn.lstm import LSTM
from vst.nn.reconet import ReCoNet
from vst.nn.vgg import SlimVGG19, VGGFeatures
from vst.nn.vtn import VTN

__all__ = ["ITN", "LSTM", "VTN", "ReCoNet", "SlimVGG19", "VGGFeatures"]
