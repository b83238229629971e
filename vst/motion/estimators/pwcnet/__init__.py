"""PWC-Net (Sun, Yang, Liu, Kautz, CVPR 2018) with the parameter names of NVlabs' code."""

from __future__ import annotations

from vst.motion.estimators.pwcnet.pwcnet import PWCNet

__all__ = ["PWCNet"]
