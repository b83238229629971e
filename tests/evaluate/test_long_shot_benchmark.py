"""A memory that drifts must show in the figures, and one that does not must not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest


def test_drift_is_relative_to_the_per_frame_mode() -> None:
    from benchmarks.long_shot import Faithfulness, parting

    early, late = slice(0, 2), slice(8, 10)
    # What the scene shows doubles everybody's loss; the second mode's grows by a tenth more.
    steady = Faithfulness(content={0: 1.0, 1: 3.0, 8: 4.0, 9: 4.0}, ssim={0: 0.8, 1: 0.8, 8: 0.4, 9: 0.4})
    drifting = Faithfulness(content={0: 2.0, 1: 6.0, 8: 8.8, 9: 8.8}, ssim={0: 0.4, 1: 0.4, 8: 0.2, 9: 0.2})
    assert parting(drifting, steady, "content", early, late) == pytest.approx((2.0, 2.2, 1.1))
    assert parting(drifting, steady, "ssim", early, late) == pytest.approx((0.5, 0.5, 1.0))


def test_a_short_run_prints_all_modes_and_writes_pictures_of_both_windows(
    tmp_path: Path,
    tiny_weights: Path,
    pictures: Path,
    loss_folder: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from benchmarks.long_shot import main

    arguments = ["--weights-dir", str(tiny_weights), "--styles", "red", "--modes", "itn", "vtn"]
    arguments += ["--style-images", str(pictures / "styles"), "--loss-network", str(loss_folder)]
    arguments += ["--frames", "12", "--skip", "1", "--window", "2", "--size", "32"]
    arguments += ["--sheet", str(tmp_path / "sheet.png"), "-o", str(tmp_path / "long.json")]
    assert main(arguments) == 0
    assert "frames 2 to 3, and 11 to 12" in capsys.readouterr().out
    told = json.loads((tmp_path / "long.json").read_text())["red"]
    assert told["itn"]["ratios"]["content"] == [1.0, 1.0, 1.0]
    assert set(told["vtn"]["frames"]["ssim"]) == {"1", "2", "10", "11"}
    assert (tmp_path / "sheet.png").stat().st_size > 1000
