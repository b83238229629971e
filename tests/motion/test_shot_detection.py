from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path

import pytest
import torch

from vst.frame import Frame
from vst.motion import shots
from vst.motion.shot_detection import CUT_CONTEXT, is_cut

SHARED = Path(__file__).parents[2].parent / "shared"


def frames(images: Iterable[torch.Tensor], start: int = 0) -> Iterator[Frame]:
    for i, image in enumerate(images, start):
        yield Frame(i, Fraction(i, 25), Fraction(1, 25), image)


def cuts(images: Iterable[torch.Tensor], start: int = 0) -> list[int]:
    return [frame.index for frame, begins in shots(frames(images, start)) if begins]


@pytest.fixture
def scenes(make_world):
    """Two scenes with a slowly moving camera, ten frames each."""
    return [
        [make_world(camera=lambda t: (1.0 * t, 0.5 * t, 1.0), seed=seed).frame(t) for t in range(10)]
        for seed in (1, 2)
    ]


def test_a_hard_cut_between_scenes_of_similar_colours_is_detected(scenes):
    assert cuts(scenes[0] + scenes[1]) == [0, 10]


def test_every_frame_is_yielded_once_in_order(scenes):
    for length in (0, 1, 2, 3, 4, 5, 10):
        out = list(shots(frames(scenes[0][:length])))
        assert [frame.index for frame, _ in out] == list(range(length))
        assert [begins for _, begins in out] == [True] * min(length, 1) + [False] * (length - 1)


def test_no_more_than_two_frames_are_read_ahead(scenes):
    read = 0

    def source():
        nonlocal read
        for image in scenes[0]:
            read += 1
            yield image

    for frame, _ in shots(frames(source())):
        assert read <= frame.index + 1 + CUT_CONTEXT


def test_the_same_cuts_are_detected_wherever_decoding_begins(scenes):
    a, b = scenes
    clip = a[:6] + b[:5] + a[6:7] + b[5:9] + a[1:4]  # with a shot of one frame and another short one
    whole = cuts(clip)
    assert {6, 16} <= set(whole)
    for start in range(1, len(clip)):
        rest = cuts(clip[start:], start)
        assert [t for t in rest if t >= start + CUT_CONTEXT] == [
            t for t in whole if t >= start + CUT_CONTEXT
        ]


def test_a_cut_depends_only_on_two_frames_before_and_after(scenes):
    a, b = scenes
    clip = a[:6] + b[:6]
    torch.manual_seed(0)
    other = [torch.rand_like(image) if not 4 <= t <= 8 else image for t, image in enumerate(clip)]
    assert 6 in cuts(clip)
    assert 6 in cuts(other)
    assert 5 not in cuts(other)


@pytest.mark.parametrize("length", [1, 2])
def test_a_flash_is_not_a_cut(scenes, length):
    clip = [image.clone() for image in scenes[0]]
    for t in range(5, 5 + length):
        clip[t] = (clip[t] * 0.3 + 0.8).clamp(0, 1)
    assert cuts(clip) == [0]


@pytest.mark.parametrize("speed", [10.0, 40.0])
def test_a_pan_that_begins_and_ends_abruptly_is_not_a_cut(make_world, speed):
    x = [0.0] * 5 + [speed * t for t in range(1, 5)] + [speed * 4] * 5
    world = make_world(camera=lambda t: (x[t] - 2 * speed, 0.0, 1.0), width=320, height=180)
    assert cuts(world.frame(t) for t in range(len(x))) == [0]


def test_noise_is_not_a_cut(scenes):
    torch.manual_seed(0)
    assert cuts(torch.rand(3, 72, 128) for _ in range(12)) == [0]
    assert cuts((image + 0.1 * torch.randn_like(image)).clamp(0, 1) for image in scenes[0]) == [0]


def test_a_repeated_frame_is_not_a_cut(scenes):
    doubled = [image for image in scenes[0][:6] for _ in range(2)]
    assert cuts(doubled) == [0]


def test_a_slow_fade_to_black_and_back_is_not_a_cut(scenes):
    levels = [1 - abs(t - 10) / 10 for t in range(20)]
    assert cuts(scenes[0][0] * (1 - level) for level in levels) == [0]


def test_the_last_frame_of_a_clip_begins_no_shot_but_the_one_before_may(scenes):
    assert cuts(scenes[0] + scenes[1][:1]) == [0]
    assert cuts(scenes[0] + scenes[1][:2]) == [0, 10]


def test_cuts_are_detected_at_any_aspect_ratio(scenes):
    tall = [image.transpose(1, 2)[:, :, ::3] for image in scenes[0] + scenes[1]]
    assert cuts(tall) == [0, 10]
    tiny = [image[:, ::30, ::30] for image in scenes[0] + scenes[1]]
    assert cuts(tiny) == [0, 10]


def test_a_window_that_is_not_five_frames_is_refused():
    with pytest.raises(ValueError, match="got 3 frames to decide on a cut; expected 5"):
        is_cut([torch.zeros(3, 72, 128, dtype=torch.uint8)] * 3)


@pytest.mark.parametrize(
    ("clip", "expected"),
    [("cutbunny", [0, 235]), ("bigbuckbunny", [0]), ("bear", [0]), ("skiing", [0]), ("cockatoo", [0])],
)
def test_the_cuts_of_real_clips_are_detected(clip, expected):
    cv2 = pytest.importorskip("cv2")
    path = SHARED / "data" / "clips" / f"{clip}.mp4"
    if not path.exists():
        pytest.skip(f"{path} is not there")
    capture = cv2.VideoCapture(str(path))

    def source():
        while True:
            ok, picture = capture.read()
            if not ok:
                return
            small = cv2.resize(picture, (256, 144), interpolation=cv2.INTER_AREA)
            yield torch.from_numpy(small[..., ::-1].copy()).permute(2, 0, 1).float() / 255

    assert cuts(source()) == expected
