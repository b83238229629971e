"""PWC-Net (Sun, Yang, Liu, Kautz, CVPR 2018) with the parameter names of NVlabs' release."""

from __future__ import annotations

from vst.motion.estimators.pwcnet.network import PWCNet

__all__ = ["PWCNet"]
