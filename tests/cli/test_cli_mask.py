"""`vst mask`, and masks and regions of `vst render`, on the command line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest


def stored_frames(path: Path) -> Iterator[np.ndarray]:
    """The samples of a file in 4:2:0, 3×H×W uint8: a chroma sample is that of its four pixels alone.

    A reader lets chroma rise from one sample to the next, so what it gives depends on those beside a mask.
    """
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            assert frame.format.name == "yuv420p"
            height, width = frame.height, frame.width
            rows = frame.to_ndarray()
            chroma = rows[height:].reshape(2, height // 2, width // 2).repeat(2, 1).repeat(2, 2)
            yield np.stack((rows[:height], *chroma))


@pytest.fixture
def render(vst, clip, weights, tmp_path):
    """Renders the clip with some arguments; gives the outcome and the stored frames."""

    def call(*arguments: object) -> tuple:
        output = tmp_path / "out.mkv"
        outcome = vst(
            "render", clip, "-o", output, "-y", "--weights-dir", weights, "--mode", "itn",
            "--codec", "ffv1", "--device", "cpu", *arguments,
        )  # fmt: skip
        if outcome.code:
            return outcome, []
        return outcome, list(stored_frames(output))

    return call


def test_a_mask_that_was_made_is_used(vst, clip, render, tmp_path):
    mask = tmp_path / "mask.mkv"
    made = vst("mask", clip, "-o", mask, "--rectangle", "0,0,24,32")
    assert made.code == 0, made.err
    assert "mask of 4 frames, 50.0 % inside" in made.out
    _, masked = render("--style", "candy", "--mask", mask)
    _, plain = render("--style", "candy")
    _, own = render("--style", "candy", "--strength", "0")
    for got, stylized, clip_frame in zip(masked, plain, own, strict=True):
        assert (got[..., :24] == stylized[..., :24]).all()
        assert (got[..., 24:] == clip_frame[..., 24:]).all()
    _, regions = render("--region", f"{mask}=candy")  # what is outside stays as it is
    assert all((one == other).all() for one, other in zip(regions, masked, strict=True))


def test_regions_without_a_style_take_that_of_elsewhere(render, vst, clip, tmp_path):
    mask = tmp_path / "mask.mkv"
    vst("mask", clip, "-o", mask, "--rectangle", "0,0,24,32")
    _, both = render("--region", f"{mask}=none", "--elsewhere", "wave")
    _, wave = render("--style", "wave")
    assert (both[0][..., 24:] == wave[0][..., 24:]).all()


def test_the_outcome_is_one_object(vst, clip, tmp_path):
    made = vst("mask", clip, "-o", tmp_path / "m.mkv", "--luma", "0,0.5", "--json")
    done = json.loads(made.out.splitlines()[-1])
    assert (done["event"], done["frames"]) == ("done", 4)
    assert 0 < done["inside"] < 1


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ((), "got none; expected one of --luma LOW,HIGH"),
        (("--motion", "--luma", "0,1"), "got --luma and --motion; expected one of"),
        (("--luma", "much"), "'much' is not valid; expected LOW,HIGH such as 0.6,1"),
        (("--rectangle", "1,2,3"), "expected X,Y,WIDTH,HEIGHT in pixels"),
        (("--chroma", "greenish,1"), "has no colour; expected COLOUR,RANGE"),
        (("--flow", "diss", "--motion"), "did you mean"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(arguments, text, vst, clip, tmp_path):
    made = vst("mask", clip, "-o", tmp_path / "m.mkv", *arguments)
    assert made.code == 2
    assert text in made.err
    assert "Traceback" not in made.err
    assert len(made.err.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (
            ("--style", "candy", "--mask", "no.png"),
            1,
            "the mask no.png does not exist: check the path; expected",
        ),
        (("--style", "candy", "--mask", "m.png,fether=1"), 2, "did you mean 'feather'?"),
        (("--style", "candy", "--region", "m.png"), 2, "expected FILE=STYLE"),
        (("--style", "candy", "--region", "m.png=candi"), 2, "did you mean 'candy'?"),
        (("--region", "m.png=none"), 2, "no style given"),
        (("--style", "none", "--region", "m.png=none"), 2, "nothing is stylized"),
        (("--style", "candy", "--mask", "alpha"), 1, "is the alpha of clip.mp4, which has none"),
        (("--style", "0s:candy 0.1s:wave", "--region", "m.png=wave"), 2, "styles change over time"),
    ],
)
def test_wrong_regions_are_said_in_one_line(arguments, code, text, render):
    outcome, _ = render(*arguments)
    assert outcome.code == code
    assert text in outcome.err
    assert len(outcome.err.strip().splitlines()) == 1


def test_strength_0_and_the_style_none_need_no_style(render):
    _, expected = render("--style", "candy", "--strength", "0")
    for arguments in (("--strength", "0"), ("--style", "none"), ("--style", "none", "--strength", "0.5")):
        outcome, frames = render(*arguments)
        assert outcome.code == 0, outcome.err
        assert all((one == other).all() for one, other in zip(frames, expected, strict=True))
    outcome, _ = render("--style", "0s:none")
    assert outcome.code == 2
    assert "name one, or give --style none for the clip itself" in outcome.err
