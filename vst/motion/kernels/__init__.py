"""The three operations of FlowNet2 and PWC-Net that PyTorch has not, each with its gradient.

On a CPU they are made of PyTorch's own operations. On an NVIDIA GPU they are the CUDA C++ sources beside
this file, which NVRTC compiles when they are first used; see docs/adr/0004-kernels-by-nvrtc.md.
"""

from __future__ import annotations

from vst.motion.kernels.channelnorm import channelnorm
from vst.motion.kernels.correlation import correlation
from vst.motion.kernels.resample2d import resample2d

__all__ = ["channelnorm", "correlation", "resample2d"]
