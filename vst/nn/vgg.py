"""Loss networks: VGG's convolutions, giving named feature maps (Simonyan & Zisserman 2014).

A loss network is any module with `layers`, the names that it can give, and
`forward(images, wanted) -> {name: B×C×h×w}` for images B×3×H×W in RGB, 0..1.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

import torch.nn.functional as F
from torch import Tensor, nn

VGG16_STAGES = (2, 2, 3, 3, 3)
VGG19_STAGES = (2, 2, 4, 4, 4)
Pool = Callable[..., Tensor]
"""Halves maps: takes B×N×h×w and a 2."""

_WIDTHS = (64, 128, 256, 512, 512)


class VGGFeatures(nn.Module):
    """VGG's convolutions up to some layer, as `conv1_1`, `conv1_2`, ...; max pooling between stages.

    Args:
        stages: Number of convolutions in each of the stages that are there.
        mean: What is taken from R, G and B, on 0..1.
        scale: What the difference is multiplied with: 255 for weights in Caffe's convention,
            1/deviation for torchvision's.
        bgr: True where the weights want B, G, R.

    Attributes:
        pool: What halves the maps between stages: `max_pool2d`, or `avg_pool2d` (Gatys 2015, section 2).
    """

    def __init__(
        self,
        stages: Iterable[int],
        mean: Iterable[float] = (0.485, 0.456, 0.406),
        scale: Iterable[float] = (1 / 0.229, 1 / 0.224, 1 / 0.225),
        bgr: bool = False,
    ) -> None:
        super().__init__()
        self.bgr = bgr
        self.pool: Pool = F.max_pool2d
        # Numbers, not buffers: a module that is cast to bf16 must not round them.
        self.mean, self.scale = tuple(mean), tuple(scale)
        self.names: list[tuple[int, str]] = []
        inputs = 3
        for stage, count in enumerate(stages, 1):
            for number in range(1, count + 1):
                name = f"{stage}_{number}"
                self.add_module(f"conv{name}", nn.Conv2d(inputs, _WIDTHS[stage - 1], 3, padding=1))
                self.names.append((stage, name))
                inputs = _WIDTHS[stage - 1]
        self.layers = tuple(f"relu{name}" for _, name in self.names)

    def forward(self, images: Tensor, wanted: Collection[str]) -> dict[str, Tensor]:
        """Feature maps after the named ReLUs; nothing beyond the last of them is computed."""
        mean, scale = (images.new_tensor(values).view(1, 3, 1, 1) for values in (self.mean, self.scale))
        x = (images - mean) * scale
        x = x.flip(1) if self.bgr else x
        x = x.to(self.get_submodule("conv1_1").weight.dtype)  # type: ignore[arg-type]
        found: dict[str, Tensor] = {}
        before = 1
        for stage, name in self.names:
            if len(found) == len(set(wanted)):
                break
            if stage != before:
                x, before = self.pool(x, 2), stage
            x = F.relu(self.get_submodule(f"conv{name}")(x))
            if f"relu{name}" in wanted:
                found[f"relu{name}"] = x
        return found


class SlimVGG19(nn.Module):
    """A quarter-width VGG-19 whose 1×1 heads mimic relu1_1 .. relu5_1 of the real one.

    (Collaborative Distillation, Wang 2020.) Reflection padding, max pooling. Input RGB 0..1.

    Attributes:
        pool: As of `VGGFeatures`.
        padding: torch's name of the padding.
    """

    _PLAN = (
        ("conv11", 3, 16), ("conv12", 16, 16), None,
        ("conv21", 16, 32), ("conv22", 32, 32), None,
        ("conv31", 32, 64), ("conv32", 64, 64), ("conv33", 64, 64), ("conv34", 64, 64), None,
        ("conv41", 64, 128), ("conv42", 128, 128), ("conv43", 128, 128), ("conv44", 128, 128), None,
        ("conv51", 128, 128),
    )  # fmt: skip
    _HEADS = (("conv11", 64), ("conv21", 128), ("conv31", 256), ("conv41", 512), ("conv51", 512))

    def __init__(self) -> None:
        super().__init__()
        self.pool: Pool = F.max_pool2d
        self.padding = "reflect"
        self.conv0 = nn.Conv2d(3, 3, 1)
        for step in self._PLAN:
            if step is not None:
                self.add_module(step[0], nn.Conv2d(step[1], step[2], 3))
        widths = {step[0]: step[2] for step in self._PLAN if step is not None}
        for name, features in self._HEADS:
            self.add_module(f"{name}_aux", nn.Conv2d(widths[name], features, 1))
        self.layers = tuple(f"relu{name[4]}_1" for name, _ in self._HEADS)

    def forward(self, images: Tensor, wanted: Collection[str]) -> dict[str, Tensor]:
        """Feature maps of the heads; nothing beyond the last wanted one is computed."""
        x = self.conv0(images.to(self.conv0.weight.dtype))
        found: dict[str, Tensor] = {}
        for step in self._PLAN:
            if len(found) == len(set(wanted)):
                break
            if step is None:
                x = self.pool(x, 2)
                continue
            x = F.relu(self.get_submodule(step[0])(F.pad(x, (1,) * 4, mode=self.padding)))
            layer = f"relu{step[0][4]}_1"
            if step[0].endswith("1") and layer in wanted:
                found[layer] = F.relu(self.get_submodule(f"{step[0]}_aux")(x))
        return found


class PairedFeatures(nn.Module):
    """Several loss networks as one: each layer comes from the first that has it."""

    def __init__(self, *parts: VGGFeatures | SlimVGG19) -> None:
        super().__init__()
        self.parts = nn.ModuleList(parts)
        self._has = [part.layers for part in parts]
        self.layers = tuple(dict.fromkeys(layer for layers in self._has for layer in layers))

    def forward(self, images: Tensor, wanted: Collection[str]) -> dict[str, Tensor]:
        """Feature maps of the wanted layers."""
        found: dict[str, Tensor] = {}
        for part, layers in zip(self.parts, self._has, strict=True):
            mine = [layer for layer in wanted if layer in layers and layer not in found]
            if mine:
                found |= part(images, mine)
        return found
