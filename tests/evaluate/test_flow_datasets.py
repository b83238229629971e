from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from vst.errors import MediaError, UsageError
from vst.evaluate import flow_datasets
from vst.evaluate.flow_datasets import LAYOUTS, find_pairs, spread
from vst.motion import write_flo
from vst.motion.files.flow_png import write_flow_png

WIDTH, HEIGHT = 6, 4


def picture(path: Path, level: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (WIDTH, HEIGHT), (level, 0, 0)).save(path)


def marks(path: Path, column: int) -> None:
    """White in one column."""
    path.parent.mkdir(parents=True, exist_ok=True)
    values = np.zeros((HEIGHT, WIDTH), np.uint8)
    values[:, column] = 255
    Image.fromarray(values).save(path)


def flow(value: float) -> torch.Tensor:
    return torch.full((2, HEIGHT, WIDTH), float(value))


def flo(path: Path, value: float) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_flo(path, flow(value))


def middlebury(root: Path) -> None:
    for number, name in enumerate(("Grove", "Venus")):
        flo(root / name / "flow10.flo", number)
        picture(root / name / "frame10.png", 10 + number)
        picture(root / name / "frame11.png", 20 + number)


def sintel(root: Path) -> None:
    for number in (1, 2):
        flo(root / f"training/flow/alley/frame_{number:04}.flo", number)
    for rendered, level in (("clean", 0), ("final", 100)):
        for number in (1, 2, 3):
            picture(root / f"training/{rendered}/alley/frame_{number:04}.png", level + number)
    marks(root / "training/occlusions/alley/frame_0001.png", 2)
    marks(root / "training/invalid/alley/frame_0001.png", 5)


def kitti(root: Path) -> None:
    for number in (0, 7):
        known = flow(number)
        known[:, 0] = torch.nan
        for kind in ("flow_occ", "flow_noc"):
            (root / "training" / kind).mkdir(parents=True, exist_ok=True)
            write_flow_png(root / "training" / kind / f"{number:06}_10.png", known)
            known[:, 1] = torch.nan
        picture(root / f"training/image_2/{number:06}_10.png", number)
        picture(root / f"training/image_2/{number:06}_11.png", 50 + number)


def chairs(root: Path) -> None:
    for number in (1, 2, 3):
        flo(root / f"data/{number:05}_flow.flo", number)
        picture(root / f"data/{number:05}_img1.ppm", number)
        picture(root / f"data/{number:05}_img2.ppm", 50 + number)


MAKE = {"middlebury": middlebury, "sintel": sintel, "kitti": kitti, "chairs": chairs}
LEVELS = {
    "middlebury": [(10, 20, 0), (11, 21, 1)],
    "sintel": [(1, 2, 1), (2, 3, 2)],
    "kitti": [(0, 50, 0), (7, 57, 7)],
    "chairs": [(1, 51, 1), (2, 52, 2), (3, 53, 3)],
}


@pytest.mark.parametrize("layout", MAKE)
def test_a_layout_is_detected_and_its_pairs_are_in_order(tmp_path, layout):
    MAKE[layout](tmp_path)
    found, pairs = find_pairs(tmp_path)
    assert found == layout
    samples = [pair.load() for pair in pairs]
    levels = [
        (
            round(s.first[0, 0, 0].item() * 255),
            round(s.second[0, 0, 0].item() * 255),
            s.flow[0, -1, 0].item(),
        )
        for s in samples
    ]
    assert levels == LEVELS[layout]
    assert samples[0].first.shape == (3, HEIGHT, WIDTH)
    assert [pair.name for pair in find_pairs(tmp_path, layout)[1]] == [pair.name for pair in pairs]


def test_middlebury_can_have_frames_and_flow_in_separate_folders(tmp_path):
    flo(tmp_path / "other-gt-flow/Venus/flow10.flo", 1)
    picture(tmp_path / "other-data/Venus/frame10.png", 1)
    picture(tmp_path / "other-data/Venus/frame11.png", 2)
    layout, (pair,) = find_pairs(tmp_path)
    assert (layout, pair.name) == ("middlebury", "Venus")
    assert pair.load().occluded is None


def test_the_masks_of_sintel_give_occluded_and_unknown_pixels(tmp_path):
    sintel(tmp_path)
    first, second = (pair.load() for pair in find_pairs(tmp_path)[1])
    assert first.occluded[0, 0].tolist() == [False, False, True, False, False, False]
    assert first.flow[0, 0].isnan().tolist() == [False] * 5 + [True]
    assert second.occluded is None
    assert second.flow.isfinite().all()


def test_the_layout_sintel_final_takes_the_final_frames(tmp_path):
    sintel(tmp_path)
    layout, pairs = find_pairs(tmp_path, "sintel-final")
    assert layout == "sintel-final"
    assert round(pairs[0].load().first[0, 0, 0].item() * 255) == 101


def test_sintel_can_have_a_ground_truth_folder_beside_its_frames(tmp_path):
    flo(tmp_path / "gt_hard/frame_0002.flo", 3)
    marks(tmp_path / "gt_hard/occlusions_0002.png", 0)
    marks(tmp_path / "gt_hard/invalid_0002.png", 1)
    for number in (2, 3):
        picture(tmp_path / f"clean_hard/frame_{number:04}.png", number)
    layout, (pair,) = find_pairs(tmp_path)
    sample = pair.load()
    assert (layout, pair.name) == ("sintel", "hard 0002")
    assert sample.occluded[..., 0].all()
    assert sample.flow[..., 1].isnan().all()


def test_pixels_of_kitti_with_flow_in_flow_occ_only_are_occluded(tmp_path):
    kitti(tmp_path)
    sample = find_pairs(tmp_path)[1][1].load()
    assert sample.flow[0, :, 0].isnan().tolist() == [True, False, False, False]
    known = sample.flow.isfinite().all(0)
    assert (sample.occluded[0] & known)[:, 0].tolist() == [False, True, False, False]


def test_kitti_2012_has_other_frame_folders_and_can_lack_flow_noc(tmp_path):
    kitti(tmp_path)
    (tmp_path / "training/image_2").rename(tmp_path / "training/colored_0")
    assert find_pairs(tmp_path)[1][0].load().occluded is not None
    (tmp_path / "training/flow_occ").rename(tmp_path / "elsewhere")
    sample = find_pairs(tmp_path)[1][0].load()
    assert sample.occluded is None
    assert sample.flow[0, :, 0].isnan().tolist() == [True, True, False, False]


@pytest.mark.parametrize("layout", ["middlebury", "sintel", "chairs"])
def test_a_folder_can_be_given_as_the_current_one(tmp_path, monkeypatch, layout):
    MAKE[layout](tmp_path)
    truth = next(tmp_path.rglob("*.flo"))
    expected = {(pair.first, pair.second) for pair in find_pairs(truth.parent)[1]}
    monkeypatch.chdir(truth.parent)
    found, pairs = find_pairs(Path("."))
    assert found == layout
    assert {(pair.first, pair.second) for pair in pairs} == expected
    assert all(pair.first.is_file() for pair in pairs)


def test_the_ground_truth_of_middlebury_can_be_given_from_within_a_scene(tmp_path, monkeypatch):
    flo(tmp_path / "other-gt-flow/Venus/flow10.flo", 1)
    monkeypatch.chdir(tmp_path / "other-gt-flow/Venus")
    (pair,) = find_pairs(Path("."))[1]
    assert (pair.name, pair.first) == ("Venus", tmp_path / "other-data/Venus/frame10.png")


@pytest.mark.parametrize("place", ["data", "."])
def test_chairs_with_a_split_file_give_the_validation_pairs_only(tmp_path, place):
    chairs(tmp_path)
    (tmp_path / place / "FlyingChairs_train_val.txt").write_text("1\n2\n1\n")
    assert [pair.name for pair in find_pairs(tmp_path)[1]] == ["00002"]
    assert [pair.name for pair in find_pairs(tmp_path / "data")[1]] == ["00002"]


def test_an_unreadable_split_file_is_named(tmp_path):
    chairs(tmp_path)
    (tmp_path / "FlyingChairs_train_val.txt").write_bytes(b"1\n\xff\n")
    with pytest.raises(MediaError, match=r"FlyingChairs_train_val\.txt cannot be read"):
        find_pairs(tmp_path)


def test_a_folder_with_several_data_sets_needs_a_layout(tmp_path):
    middlebury(tmp_path / "one")
    chairs(tmp_path / "two")
    with pytest.raises(UsageError, match="several data sets: give --layout with one of middlebury, chairs"):
        find_pairs(tmp_path)
    assert len(find_pairs(tmp_path, "chairs")[1]) == 3


@pytest.mark.parametrize(
    ("layout", "error", "message"),
    [
        (None, MediaError, "holds no pair of frames with true flow in the layout middlebury, sintel"),
        ("kitti", MediaError, "in the layout kitti"),
        ("kiti", UsageError, "did you mean 'kitti'"),
    ],
)
def test_a_folder_without_pairs_and_an_unknown_layout_are_refused(tmp_path, layout, error, message):
    with pytest.raises(error, match=message):
        find_pairs(tmp_path, layout)


def test_a_file_is_no_data_set(tmp_path):
    with pytest.raises(MediaError, match="is not a folder"):
        find_pairs(tmp_path / "none")


def test_a_missing_damaged_or_mismatched_file_is_named(tmp_path):
    middlebury(tmp_path)
    path = tmp_path / "Grove/frame11.png"
    pair = find_pairs(tmp_path)[1][0]
    Image.new("RGB", (WIDTH + 1, HEIGHT)).save(path)
    with pytest.raises(MediaError, match=r"frame11\.png is 7×4, but its true flow 6×4"):
        pair.load()
    path.write_bytes(b"nonsense")
    with pytest.raises(MediaError, match=r"frame11\.png cannot be read as an image"):
        pair.load()
    path.unlink()
    with pytest.raises(MediaError, match=r"frame11\.png is missing"):
        pair.load()


def test_a_mask_of_another_size_is_refused(tmp_path):
    sintel(tmp_path)
    Image.new("L", (3, 3)).save(tmp_path / "training/occlusions/alley/frame_0001.png")
    with pytest.raises(MediaError, match=r"frame_0001\.png is 3×3, but its true flow 6×4"):
        find_pairs(tmp_path)[1][0].load()


def test_fewer_pairs_are_spread_evenly(tmp_path):
    chairs(tmp_path)
    pairs = find_pairs(tmp_path)[1]
    assert [pair.name for pair in spread(pairs, 2)] == ["00001", "00002"]
    assert spread(pairs, 9) == pairs


def test_every_layout_is_described():
    assert all(f"``{name}``" in flow_datasets.__doc__ for name in LAYOUTS)
