"""The networks of others that ours are measured against."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from vst.errors import WeightsError
from vst.frame import Frame


class _Convolution(nn.Module):
    """Reflection padding and a convolution; with ``up`` after nearest-neighbour enlargement."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1, up: int = 1) -> None:
        super().__init__()
        self.up = up
        self.pad = nn.ReflectionPad2d(kernel // 2)
        self.conv2d = nn.Conv2d(inputs, outputs, kernel, stride)

    def forward(self, x: Tensor) -> Tensor:
        if self.up > 1:
            x = nn.functional.interpolate(x, scale_factor=self.up, mode="nearest")
        return self.conv2d(self.pad(x))


class _Residual(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1, self.conv2 = _Convolution(channels, channels, 3), _Convolution(channels, channels, 3)
        self.in1 = nn.InstanceNorm2d(channels, affine=True)
        self.in2 = nn.InstanceNorm2d(channels, affine=True)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.in2(self.conv2(torch.relu(self.in1(self.conv1(x)))))


class TransformerNet(nn.Module):
    """The per-frame network of pytorch/examples (fast_neural_style), by the names in its weight files.

    B×3×H×W, RGB 0..255, to the same; H and W are rounded up to multiples of 4.
    """

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.in1 = _Convolution(3, 32, 9), nn.InstanceNorm2d(32, affine=True)
        self.conv2, self.in2 = _Convolution(32, 64, 3, 2), nn.InstanceNorm2d(64, affine=True)
        self.conv3, self.in3 = _Convolution(64, 128, 3, 2), nn.InstanceNorm2d(128, affine=True)
        for i in range(1, 6):
            self.add_module(f"res{i}", _Residual(128))
        self.deconv1, self.in4 = _Convolution(128, 64, 3, up=2), nn.InstanceNorm2d(64, affine=True)
        self.deconv2, self.in5 = _Convolution(64, 32, 3, up=2), nn.InstanceNorm2d(32, affine=True)
        self.deconv3 = _Convolution(32, 3, 9)

    def forward(self, x: Tensor) -> Tensor:
        for i in range(1, 4):
            x = torch.relu(self.get_submodule(f"in{i}")(self.get_submodule(f"conv{i}")(x)))
        for i in range(1, 6):
            x = self.get_submodule(f"res{i}")(x)
        x = torch.relu(self.in4(self.deconv1(x)))
        x = torch.relu(self.in5(self.deconv2(x)))
        return self.deconv3(x)


class PeerMode:
    """A published TransformerNet as a mode without memory.

    Args:
        path: Its weights, safetensors.

    Attributes:
        network: Takes B×3×H×W, RGB 0..255.

    Raises:
        WeightsError: where the file cannot be read, or is another network's.
    """

    def __init__(self, path: Path) -> None:
        self.network = TransformerNet().eval().requires_grad_(False)
        try:
            state = {name: value.float() for name, value in load_file(path).items()}
            self.network.load_state_dict(state)
        except (OSError, SafetensorError, RuntimeError) as error:
            reason = str(error).splitlines()[0]
            raise WeightsError(
                f"{path} is not a TransformerNet of pytorch/examples ({reason}); give its safetensors"
            ) from error

    @torch.inference_mode()
    def step(self, frame: Frame) -> Tensor:
        """See `MeasuredMode.step`."""
        height, width = frame.image.shape[-2:]
        out = self.network(frame.image.clamp(0, 1)[None] * 255)[0] / 255
        return out[:, :height, :width].clamp(0, 1).clone()
