"""A painting of nothing that moves must not change its colours or its detail."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch


def test_the_windows_follow_the_skipped_frames_and_end_the_shot() -> None:
    from benchmarks.still_shot import windows
    from vst.errors import UsageError

    early, late = windows(300, 20, 30)
    # Counted from one: frames 21 to 50 and 271 to 300.
    assert list(range(1, 301))[early] == list(range(21, 51))
    assert list(range(1, 301))[late] == list(range(271, 301))
    assert windows(80, 20, 30) == (slice(20, 50), slice(50, 80))
    with pytest.raises(UsageError, match="80 or more"):
        windows(79, 20, 30)


def test_drift_is_given_by_channel_in_8_bit_levels_and_detail_as_a_ratio() -> None:
    from benchmarks.still_shot import Course

    checks = torch.tensor([[0.0, 1.0], [1.0, 0.0]]).expand(3, 2, 2)
    course = Course()
    for t in range(4):
        contrast = 0.2 if t < 2 else 0.1
        image = contrast * checks
        image = image + torch.tensor([0.1, 0.1, 0.1]).view(3, 1, 1)
        if t >= 2:
            # The mean that contrast lost is given back; red rises by 3/255, blue falls by 1/255.
            image = image + 0.05 + torch.tensor([3.0, 0.0, -1.0]).view(3, 1, 1) / 255
        course.add(image)
    drift = course.drift(slice(0, 2), slice(2, 4))
    assert drift.colours == pytest.approx((3.0, 0.0, -1.0), abs=1e-4)
    assert drift.largest == pytest.approx(3.0, abs=1e-4)
    assert drift.gradient == pytest.approx(0.25, rel=1e-4)


def test_every_frame_has_its_own_repeatable_noise_and_brightness() -> None:
    from benchmarks.still_shot import noisy

    picture = torch.full((3, 40, 60), 0.5)
    frames = [frame.image for frame in noisy(picture, 40, noise=4.0, flicker=0.0, seed=3)]
    assert all(
        torch.equal(a.image, b) for a, b in zip(noisy(picture, 3, 4.0, 0.0, 3), frames[:3], strict=True)
    )
    assert not torch.equal(frames[0], frames[1])
    stack = torch.stack(frames) * 255
    assert torch.equal(stack.round() / 255, torch.stack(frames))
    assert stack.std().item() == pytest.approx(4.0, abs=0.1)
    assert abs((stack - 127.5).mean().item()) < 0.1

    light = torch.stack([f.image.mean() for f in noisy(picture, 40, noise=0.0, flicker=0.1, seed=3)]) / 0.5
    assert 0.895 < light.min() < 0.94
    assert 1.06 < light.max() < 1.105


def test_the_command_compares_the_end_with_the_beginning(
    tmp_path: Path, tiny_weights: Path, pictures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from benchmarks.still_shot import main

    out = tmp_path / "out.json"
    arguments = [
        "--styles",
        "red",
        "blue",
        "--weights-dir",
        str(tiny_weights),
        "--size",
        "32",
        "-o",
        str(out),
    ]
    arguments += ["--frames", "9", "--skip", "2", "--window", "3"]
    for extra in ([], ["--photo", str(pictures / "photos" / "a.png")]):
        assert main([*arguments, *extra]) == 0
        result = json.loads(out.read_text())
        assert (result["early"], result["late"]) == ([3, 5], [7, 9])
        rows = result["rows"]
        assert [(row["style"], row["mode"]) for row in rows] == [
            ("", "input"), ("red", "itn"), ("red", "vtn"), ("blue", "itn"), ("blue", "vtn")
        ]  # fmt: skip
        for row in rows:
            red = [colours[0] for colours in row["frames"]["colours"]]
            assert len(red) == 9
            assert row["colours"]["red"] == pytest.approx(sum(red[6:]) / 3 - sum(red[2:5]) / 3)
    assert result["size"] == [43, 32]
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("|")]
    assert len(lines) == 2 * (2 + 5)


def test_too_short_a_shot_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    from benchmarks.still_shot import main

    assert main(["--frames", "60"]) == 2
    assert "--frames 80" in capsys.readouterr().err
