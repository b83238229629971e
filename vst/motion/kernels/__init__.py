"""The three operations of FlowNet2 and PWC-Net that PyTorch does not have, each with its gradient.

On a CPU they are composed of PyTorch's operations. On an NVIDIA GPU they are the CUDA C++ sources in this
folder,
which NVRTC compiles on first use: docs/adr/0004-kernels-by-nvrtc.md.
"""

from __future__ import annotations

from vst.motion.kernels.channelnorm import channelnorm
from vst.motion.kernels.correlation import correlation
from vst.motion.kernels.resample2d import resample2d

__all__ = ["channelnorm", "correlation", "resample2d"]
