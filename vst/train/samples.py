"""Pictures of how far a network has come."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import torch

from vst.nn.style_network import StyleNetwork
from vst.nn.style_parameters import one_style
from vst.train.picture_files import Loadable

_SIDE = 192


@torch.no_grad()
def write_sample(model: StyleNetwork, pictures: Sequence[Loadable], path: Path) -> None:
    """A contact sheet: a row of photographs, under it a row for each style."""
    photos = [cv2.resize(np.ascontiguousarray(picture.load()), (_SIDE, _SIDE)) for picture in pictures]
    rows = [photos]
    for index in range(model.styles):
        rows.append([_stylize(model, photo, index) for photo in photos])
    _write(np.concatenate([np.concatenate(row, 1) for row in rows], 0), path)


@torch.no_grad()
def write_picture(model: StyleNetwork, picture: np.ndarray, longer_side: int, path: Path) -> None:
    """A picture, H×W×3 uint8 RGB, shrunk to its longer side and stylized in a network's first style."""
    scale = min(1.0, longer_side / max(picture.shape[:2]))
    size = (max(round(picture.shape[1] * scale), 16), max(round(picture.shape[0] * scale), 16))
    small = cv2.resize(np.ascontiguousarray(picture), size, interpolation=cv2.INTER_AREA)
    _write(_stylize(model, small, 0), path)


def _stylize(model: StyleNetwork, picture: np.ndarray, style: int) -> np.ndarray:
    model.eval()
    device = next(model.parameters()).device
    frame = torch.from_numpy(picture).permute(2, 0, 1)[None].to(device).float() / 127.5 - 1
    stylized = model.stylize_alone(frame, one_style(style, model.styles, device))[0]
    pixels = ((stylized + 1) * 127.5).clamp(0, 255).round().byte()
    return pixels.permute(1, 2, 0).cpu().numpy()


def _write(picture: np.ndarray, path: Path) -> None:
    cv2.imwrite(str(path), np.ascontiguousarray(picture[..., ::-1]))
