"""The networks: `nn.Module`s only. They open no file and choose no device."""

from __future__ import annotations

from vst.networks.itn import ITN
from vst.networks.lstm import LSTM
from vst.networks.reconet import ReCoNet
from vst.networks.vgg import SlimVGG19, VGGFeatures
from vst.networks.vtn import VTN

__all__ = ["ITN", "LSTM", "VTN", "ReCoNet", "SlimVGG19", "VGGFeatures"]
