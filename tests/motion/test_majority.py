from __future__ import annotations

import torch

from vst.motion.majority import majority, without_crumbs


def test_crumbs_go_and_what_is_large_keeps_its_outline():
    mask = torch.zeros(1, 20, 30)
    mask[0, :, 12:] = 1
    crumbs = mask.clone()
    crumbs[0, 5, 3] = 1  # alone
    crumbs[0, :, 7] = 1  # a line
    crumbs[0, 9:11, 20:22] = 0  # a small hole
    assert torch.equal(majority(crumbs, 5), mask)


def test_a_batch_is_taken_picture_by_picture_and_the_border_is_no_reason_to_change():
    masks = torch.zeros(2, 1, 9, 9)
    masks[1] = 1
    assert torch.equal(majority(masks, 7), masks)


def test_without_crumbs_specks_go_and_lines_of_a_pixel_stay():
    lines = torch.ones(1, 40, 40)
    lines[0, :, 12] = 0
    lines[0, 30, :] = 0
    specks = lines.clone()
    specks[0, 5:7, 25:27] = 0
    specks[0, 20, 30] = 0
    assert torch.equal(without_crumbs(specks, 9), lines)
    assert torch.equal(without_crumbs(1 - specks, 9), 1 - lines)
