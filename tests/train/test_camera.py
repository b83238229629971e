import cv2
import numpy as np
import torch

from vst.motion import warp
from vst.train.camera import camera_move


def photo():
    y, x = np.mgrid[:160, :200]
    waves = [
        127 + 60 * np.sin(x / a + phase) + 60 * np.sin(y / b)
        for a, b, phase in ((7, 9, 0), (11, 6, 1), (8, 13, 2))
    ]
    return np.stack(waves, -1).clip(0, 255).astype(np.uint8)


def test_the_frame_before_warped_by_the_flow_is_the_frame():
    seen = 0
    for seed in range(6):
        move = camera_move(photo(), range(5), 96, np.random.default_rng(seed))
        frames = torch.from_numpy(move.frames).permute(0, 3, 1, 2).float()
        warped = warp(frames[:-1], torch.from_numpy(move.flow))
        mask = torch.from_numpy(move.mask)
        error = ((warped - frames[1:]).abs() * mask).sum() / (mask.sum() * 3)
        still = (frames[1:] - frames[:-1]).abs().mean()
        assert error < 1.5
        seen += float(still) > 3
    assert seen >= 3, "some of the moves have to move"


def test_a_long_move_stays_on_the_photograph():
    picture = photo()
    picture[:4], picture[-4:], picture[:, :4], picture[:, -4:] = 0, 0, 0, 0
    for seed in range(4):
        move = camera_move(cv2.blur(picture, (3, 3)), range(60), 48, np.random.default_rng(seed))
        assert move.frames.shape == (60, 48, 48, 3)
        assert np.isfinite(move.flow).all()
        assert move.mask.mean() > 0.8
