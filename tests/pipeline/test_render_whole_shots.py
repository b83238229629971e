"""Renders of mode ruder: shots on disk, going on after a stop bit for bit, ranges, and what is refused."""

from __future__ import annotations

import gc
import signal
import subprocess
import sys
import threading
import time
from fractions import Fraction
from pathlib import Path

import pytest
import torch

import vst.pipeline.job
from tests.host.conftest import pan_with_disc
from tests.modes.gatys.conftest import painting
from tests.stylizers import Copy
from vst.cli.app import run
from vst.errors import Interrupted, MediaError, UsageError
from vst.frame import Frame
from vst.modes.create import create_optimiser
from vst.modes.optimisation.config import OptimisationConfig
from vst.modes.optimisation.stylizer import OptimisingStylizer
from vst.motion import EstimatedMotion, create_estimator
from vst.pipeline import RenderSettings, render
from vst.pipeline.session import StylizerSession
from vst.pipeline.shot_files import ShotFiles, shot_files
from vst.styles.painting_style import resolve_paintings

__all__ = ["painting"]

ROOT = Path(__file__).parents[2]
HEIGHT, WIDTH, CUT = 40, 56, 4


@pytest.fixture
def ruder(settings, painting, loss_folder):
    """Makes settings of mode ruder with few steps."""

    def make(**options: object) -> RenderSettings:
        given = {"style": str(painting), "loss_network": str(loss_folder), "steps": 3, "levels": 1}
        return settings(mode="ruder", **{"codec": "ffv1", **given, **options})

    return make


@pytest.fixture
def clip(exact_clip) -> Path:
    """Seven frames in two shots."""
    return exact_clip("clip.mkv", [pan_with_disc(number, cut=CUT) for number in range(7)])


@pytest.fixture(autouse=True)
def quick_clock(monkeypatch):
    monkeypatch.setattr(OptimisingStylizer, "seconds_a_step", lambda self, width, height: 1.0)


def leftovers(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir() if each.name.startswith("."))


def test_shots_are_stylized_one_after_the_other_and_nothing_is_left(clip, ruder, tmp_path):
    seen = []
    report = render(clip, ruder(), tmp_path / "out.mkv", progress=seen.append)
    assert (report.frames, report.shots) == (7, 2)
    parts = list(dict.fromkeys(each.step.part for each in seen if each.step))
    assert parts[0] == "pass 1/2, frame 1/4"
    assert parts[-1] == "pass 2/2, frame 3/3"
    assert len(parts) == 2 * (4 + 3)
    assert any("for 7 frames" in note for note in report.notes)
    assert leftovers(tmp_path) == []


@pytest.mark.parametrize("stop_at", [1, 6, 10])
def test_a_stopped_render_goes_on_frame_by_frame_bit_for_bit(clip, ruder, tmp_path, monkeypatch, stop_at):
    monkeypatch.setattr(vst.pipeline.job, "MAX_SEGMENT_FRAMES", 2)
    whole = render(clip, ruder(), tmp_path / "whole.mkv")
    stop, done = threading.Event(), []

    def watch(progress):
        if progress.step and progress.step.part not in done:
            done.append(progress.step.part)
            if len(done) > stop_at:
                stop.set()

    with pytest.raises(Interrupted, match="stopped within a shot; the same command goes on"):
        render(clip, ruder(), tmp_path / "out.mkv", progress=watch, stop=stop)
    assert ".out.mkv.vst-shots" in leftovers(tmp_path)
    seen = []
    again = render(clip, ruder(), tmp_path / "out.mkv", progress=seen.append)
    parts = list(dict.fromkeys(each.step.part for each in seen if each.step))
    assert len(parts) == 14 - stop_at  # what was done is not done again
    assert again.output.read_bytes() == whole.output.read_bytes()
    assert leftovers(tmp_path) == []


def test_a_render_that_is_killed_in_its_second_pass_goes_on_bit_for_bit(
    clip, painting, loss_folder, tmp_path
):
    def start(name: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "vst", "render", str(clip), "--mode", "ruder", "--codec", "ffv1"]
        command += ["--style", str(painting), "--loss-network", str(loss_folder), "--steps", "30"]
        command += ["--levels", "1", "--device", "cpu", "--threads", "1", "-q", "-o", str(tmp_path / name)]
        return subprocess.Popen(command, cwd=ROOT)

    assert start("whole.mkv").wait() == 0
    killed, second = start("out.mkv"), ".out.mkv.vst-shots/*/pass-002-*"
    while killed.poll() is None and not list(tmp_path.glob(second)):
        time.sleep(0.01)
    killed.kill()
    assert killed.wait() == -signal.SIGKILL
    assert list(tmp_path.glob(second))
    assert start("out.mkv").wait() == 0
    assert (tmp_path / "out.mkv").read_bytes() == (tmp_path / "whole.mkv").read_bytes()
    assert leftovers(tmp_path) == []


def test_a_render_that_is_stopped_between_frames_goes_on(clip, ruder, tmp_path, monkeypatch):
    monkeypatch.setattr(vst.pipeline.job, "MAX_SEGMENT_FRAMES", 2)
    whole = render(clip, ruder(), tmp_path / "whole.mkv")
    stop = threading.Event()
    with pytest.raises(Interrupted):
        render(
            clip,
            ruder(),
            tmp_path / "out.mkv",
            progress=lambda each: stop.set() if each.frame == 3 and not each.step else None,
            stop=stop,
        )
    again = render(clip, ruder(), tmp_path / "out.mkv")
    assert again.resumed == 2
    assert again.output.read_bytes() == whole.output.read_bytes()


def test_other_settings_begin_again(clip, ruder, tmp_path):
    stop = threading.Event()
    with pytest.raises(Interrupted):
        render(
            clip,
            ruder(),
            tmp_path / "out.mkv",
            progress=lambda each: stop.set() if each.step and "frame 3/4" in each.step.part else None,
            stop=stop,
        )
    other = render(clip, ruder(temporal_weight=5.0), tmp_path / "out.mkv")
    fresh = render(clip, ruder(temporal_weight=5.0), tmp_path / "fresh.mkv")
    assert other.output.read_bytes() == fresh.output.read_bytes()


def test_a_range_is_all_that_passes_go_over(clip, ruder, tmp_path):
    seen = []
    report = render(clip, ruder(start="1f", frames=2), tmp_path / "out.mkv", progress=seen.append)
    assert report.frames == 2
    parts = list(dict.fromkeys(each.step.part for each in seen if each.step))
    assert [each.partition(", ")[2] for each in parts] == ["frame 1/2", "frame 2/2"] * 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"keyframe_interval": 4},
            "mode ruder stylizes every frame of a shot: leave --keyframe-interval out",
        ),
        ({"look_ahead": "0"}, "mode ruder needs all frames of a shot: leave --look-ahead out"),
        ({"patch_size": 5}, "--patch-size is an option of mode mrf, and mode is ruder"),
    ],
)
def test_options_that_do_not_fit_are_refused_in_one_line(clip, ruder, options, message):
    with pytest.raises(UsageError, match=message) as error:
        render(clip, ruder(**options))
    assert "\n" not in str(error.value)


def test_a_picture_is_a_shot_of_one_frame(ruder, tmp_path):
    from PIL import Image

    Image.new("RGB", (40, 36), (90, 160, 200)).save(tmp_path / "photo.png")
    given = {"follow_light": False}
    single = render(tmp_path / "photo.png", ruder(passes=1, **given, codec=None), tmp_path / "a.png")
    assert Image.open(single.output).size == (40, 36)


def test_jobs_of_segments_refuse_whole_shots(clip, painting, loss_folder, tmp_path, capsys):
    given = [
        "-o",
        str(tmp_path / "clip.json"),
        "--style",
        str(painting),
        "--loss-network",
        str(loss_folder),
        "--device",
        "cpu",
    ]
    assert run(["plan", str(clip), "--mode", "ruder", *given]) == 2
    assert "needs all frames of a shot at once" in capsys.readouterr().err


def is_picture(found: object) -> bool:
    return type(found) is torch.Tensor and found.numel() >= HEIGHT * WIDTH


class Counting(Copy):
    """A whole-shot stylizer that counts the pictures in memory."""

    whole_shot, interrupted = True, False

    def __init__(self) -> None:
        super().__init__()
        self.most = 0

    def stylize_shot(self, shot) -> int:
        for number in range(len(shot)):
            before = shot.picture(0, number - 1) if number else None
            assert before is None or before.shape == (3, HEIGHT, WIDTH)
            shot.keep(0, number, shot.frame(number).image * 2 - 1)
            self.most = max(self.most, sum(map(is_picture, gc.get_objects())))
        return 0


def frames(count: int):
    for number in range(count):
        image = torch.linspace(0, 1, 3 * HEIGHT * WIDTH).view(3, HEIGHT, WIDTH).roll(number, -1)
        yield Frame(number, Fraction(number, 25), Fraction(1, 25), image)


def session(stylizer, folder: Path) -> StylizerSession:
    motion = EstimatedMotion(create_estimator("dis"))
    return StylizerSession(stylizer, motion, shots=ShotFiles(folder, resumes=False))


def test_memory_does_not_grow_with_the_shot(tmp_path):
    counts = []
    for count in (6, 24):
        stylizer = Counting()
        outputs = session(stylizer, tmp_path / str(count)).process(frames(count))
        assert sum(1 for _ in outputs) == count
        counts.append(stylizer.most)
    assert counts[1] <= counts[0] + 1


def test_the_passes_of_ruder_hold_as_many_pictures_in_a_long_shot(painting, loss_folder, tmp_path):
    style = resolve_paintings(str(painting), "ruder", loss_network=str(loss_folder))
    counts = []
    for count in (7, 14):
        stylizer = create_optimiser(style, OptimisationConfig(steps=1, levels=1))
        seen = []
        stylizer.watch = lambda step, seen=seen: seen.append(sum(map(is_picture, gc.get_objects()))) or True
        outputs = session(stylizer, tmp_path / str(count)).process(frames(count))
        assert sum(1 for _ in outputs) == count
        assert len(seen) == 2 * count
        counts.append(max(seen))
    assert counts[1] <= counts[0] + 1


def test_frames_come_back_from_disk_as_they_were(tmp_path):
    given = [
        Frame(each.index, each.time, each.duration, each.image, alpha=each.image[:1] * 0.5)
        for each in frames(3)
    ]
    found = list(session(Counting(), tmp_path / "shots").process(iter(given)))
    for frame, back in zip(given, found, strict=True):
        assert (back.index, back.time, back.duration) == (frame.index, frame.time, frame.duration)
        torch.testing.assert_close(back.image, frame.image, atol=1e-6, rtol=0)
        assert torch.equal(back.alpha, frame.alpha)


def test_without_a_place_for_shots_the_mode_is_refused():
    with pytest.raises(UsageError, match="all frames of a shot at once"):
        StylizerSession(Counting())


def test_a_damaged_picture_is_an_error_in_one_line(tmp_path):
    with shot_files(tmp_path / "out.mkv", resumes=True) as files:
        shot = files.begin(0)
        shot.keep(0, 0, torch.zeros(3, 4, 4))
        path = next(files.folder.rglob("pass-*"))
        path.write_bytes(b"nothing of the kind")
        with pytest.raises(MediaError, match=r"is missing or damaged: delete the folder .*vst-shots"):
            shot.picture(0, 0)
    assert not files.folder.exists()


@pytest.mark.parametrize("resumes", [True, False])
def test_after_an_error_only_pictures_of_a_render_that_can_go_on_are_kept(tmp_path, resumes):
    def fail() -> None:
        with shot_files(tmp_path / "out.mkv", resumes) as files:
            files.begin(0).keep(0, 0, torch.zeros(3, 4, 4))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert (tmp_path / ".out.mkv.vst-shots").exists() == resumes
