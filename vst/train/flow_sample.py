"""A picture of how far a flow network has come."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import torch

from vst.modes.training import to_unit
from vst.motion.estimators.refined.refinement_network import (
    InitialFlows,
    RefinementNetwork,
    network_input,
)
from vst.motion.view import fitting_radius, flow_colours
from vst.train.flow_pool import FlowPool
from vst.train.flow_recipe import GRID

_ROWS = 4


@torch.no_grad()
def write_flow_sample(network: RefinementNetwork, pool: FlowPool, path: Path) -> None:
    """A contact sheet of the pool's first pairs: a frame, its true flow, that of `dis`, and that of
    `dis-refined`."""
    place = next(network.parameters()).device
    rows = []
    for index in range(min(_ROWS, len(pool))):
        pair = pool[index]
        # The network wants sides on its grid.
        height, width = (side // GRID * GRID for side in pair.frames.shape[-2:])
        first, second = to_unit(torch.from_numpy(pair.frames[..., :height, :width])).to(place)[:, None]
        known = torch.from_numpy(pair.flow[..., :height, :width].astype(np.float32)).to(place)
        truth, exact, bold = known[0, :, None]
        seen = network_input(first, second, InitialFlows(exact, bold, known[1, 1, None]))
        flow = network(seen, torch.cat((exact, bold), dim=1))
        radius = fitting_radius(truth[0])
        pictures = [first[0], *(flow_colours(each[0], radius) for each in (truth, exact, flow))]
        rows.append(torch.cat(pictures, dim=2))
    sheet = (torch.cat(rows, dim=1).clamp(0, 1) * 255).round().byte().permute(1, 2, 0)
    cv2.imwrite(str(path), np.ascontiguousarray(sheet.cpu().numpy()[..., ::-1]))
