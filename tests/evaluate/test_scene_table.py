"""Scenes in Sintel's layout in several styles and modes: the table, the curves and the reports."""

from __future__ import annotations

import contextlib
import csv
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.sintel import make_sintel
from vst.errors import MediaError, UsageError
from vst.evaluate.evaluation_settings import EvaluateSettings
from vst.evaluate.scene_table import SceneTable, evaluate_scenes
from vst.progress import Progress

FLICKER = {"itn": 20, "vtn": 10}
"""Levels by which a mode of these tests is brighter and darker at every other frame."""

Run = Callable[..., SceneTable]


@pytest.fixture
def rendered() -> list[tuple[str, str, str]]:
    """Scene, style and mode of every render."""
    return []


@pytest.fixture
def run(tmp_path: Path, rendered: list[tuple[str, str, str]]) -> Run:
    """Evaluates the styles `red` and `blue` in the modes itn and vtn; a render adds flicker only."""
    folder = make_sintel(tmp_path / "data")

    def render(
        frames: Path, output: Path, style: str, mode: str, progress: Callable[[Progress], None]
    ) -> None:
        rendered.append((frames.parent.name, style, mode))
        for number in range(1, 6):
            image = cv2.imread(str(frames) % number).astype(np.int16)
            image += FLICKER[mode] * (-1) ** number
            cv2.imwrite(str(output) % number, image.clip(0, 255).astype(np.uint8))

    @contextlib.contextmanager
    def watch(title: str) -> Iterator[Callable[[Progress], None]]:
        yield lambda progress: None

    def call(**options: object) -> SceneTable:
        given = {"styles": ("red", "blue"), "modes": ("itn", "vtn"), **options}
        settings = EvaluateSettings(device="cpu", second="none")
        return evaluate_scenes(
            folder, tmp_path / "out", render=render, watch=watch, settings=settings, **given
        )

    return call


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_table_has_the_error_of_every_scene_style_and_mode_in_squared_8_bit_levels(run: Run) -> None:
    errors = run().errors()
    assert [row["scene"] for row in errors] == ["alley_9", "cave_9", "mean"]
    assert list(errors[0]) == ["scene", "input", "red itn", "red vtn", "blue itn", "blue vtn"]
    # Exact flow of a whole pixel leaves no error but the flicker; one of 48 rows in 10 of them is occluded,
    # and a column leaves the frame.
    seen = 38 / 48 * 63 / 64
    for row in errors:
        assert row["input"] == pytest.approx(0, abs=1e-6)
        assert row["red itn"] == pytest.approx(40**2 * seen, rel=0.01)
        assert row["blue vtn"] == pytest.approx(20**2 * seen, rel=0.01)


def test_ratios_are_relative_to_the_first_mode(run: Run) -> None:
    ratios = run(scenes=("cave_9",)).ratios()
    assert [row["scene"] for row in ratios] == ["cave_9"]
    assert list(ratios[0]) == ["scene", "red vtn / itn", "blue vtn / itn"]
    assert ratios[0]["red vtn / itn"] == pytest.approx(0.25, rel=0.01)


def test_curves_and_means_are_written_as_csv(run: Run, tmp_path: Path) -> None:
    table = run(styles=("red",), scenes=("alley_9",))
    curves = read(tmp_path / "out" / "curves.csv")
    vtn = [row for row in curves if (row["output"], row["reference"]) == ("vtn", "exact")]
    assert [row["frame"] for row in vtn] == ["1", "2", "3", "4", "5"]
    assert [bool(row["mse"]) for row in vtn] == [False, True, True, True, True]
    assert {row["output"] for row in curves} == {"input", "itn", "vtn", "blend", "paste", "still"}
    means = read(tmp_path / "out" / "table.csv")
    (mean,) = (row for row in means if (row["output"], row["reference"]) == ("vtn", "exact"))
    assert float(mean["mse"]) == pytest.approx(sum(float(row["mse"] or 0) for row in vtn) / 4)
    assert float(mean["E"]) * 255**2 == pytest.approx(table.errors()[0]["red vtn"])
    assert float(mean["ssim_last_quarter"]) < 1


def test_each_scene_and_style_has_a_report_with_the_curves_of_adjacent_frames(
    run: Run, tmp_path: Path
) -> None:
    run(scenes=("alley_9",))
    assert {path.name for path in (tmp_path / "out").glob("*.html")} == {
        "alley_9.red.html",
        "alley_9.blue.html",
    }
    page = (tmp_path / "out" / "alley_9.red.html").read_text("utf-8")
    assert "Mean squared error of adjacent frames" in page
    assert "Structural similarity of adjacent frames" in page


def test_complete_frames_are_measured_again_but_not_rendered(
    run: Run, rendered: list[tuple[str, str, str]], tmp_path: Path
) -> None:
    first = run(styles=("red",), scenes=("alley_9",))
    (tmp_path / "out" / "table.csv").unlink()
    (tmp_path / "out" / "curves.csv").unlink()
    (tmp_path / "out" / "frames" / "red" / "alley_9" / "vtn" / "frame_0003.png").unlink()
    rendered.clear()
    again = run(styles=("red",), scenes=("alley_9",))
    assert rendered == [("alley_9", "red", "vtn")]
    assert again.errors() == first.errors()
    assert any("existing frames" in note for note in again.notes)


def test_a_note_of_every_scene_is_given_once(run: Run) -> None:
    notes = run(styles=("red",)).notes
    assert sum("content and style are left out" in note for note in notes) == 1


def test_an_existing_table_is_kept_without_overwrite(
    run: Run, rendered: list[tuple[str, str, str]]
) -> None:
    run(styles=("red",), scenes=("alley_9",))
    rendered.clear()
    with pytest.raises(MediaError, match=r"table\.csv exists already: pass -y"):
        run(styles=("red",), scenes=("alley_9",))
    assert rendered == []
    run(styles=("red",), scenes=("alley_9",), overwrite=True)
    assert len(rendered) == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"scenes": ("alley_8",)}, "did you mean 'alley_9'"),
        ({"styles": ("red", "red")}, "expected each style once"),
        ({"modes": ()}, "modes are not given"),
    ],
)
def test_unknown_scenes_and_repeated_names_are_refused(
    run: Run, rendered: list[tuple[str, str, str]], options: dict[str, object], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        run(**options)
    assert rendered == []
