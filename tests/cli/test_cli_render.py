"""`vst render`: options become settings, and the report becomes text or JSON."""

from __future__ import annotations

import json
from pathlib import Path

import av
import pytest

import vst.pipeline
from vst.cli.progress import in_words
from vst.errors import Interrupted, MediaError
from vst.pipeline import Progress, RenderSettings, Report
from vst.progress import PREROLL


@pytest.fixture
def rendered(monkeypatch):
    """Replaces the render; returns the list of its calls."""
    calls = []

    def fake(source, settings, output=None, *, progress, stop, begun):
        calls.append((source, settings, output))
        for frame in range(1, 4):
            progress(Progress(frame, 3, 2.0, 1.0, "stylize"))
        return Report(source, Path("out.mov"), 3, 2, 1.5, ("the clip was odd",), settings)

    monkeypatch.setattr(vst.pipeline, "render", fake)
    return calls


def failing(monkeypatch, error):
    def fail(*arguments, **options):
        raise error

    monkeypatch.setattr(vst.pipeline, "render", fail)


def test_options_become_settings(vst, rendered, weights):
    outcome = vst(
        *("render", "a.mov", "-o", "b.mov", "-y", "--style", "candy:0.6+wave:0.4", "--mode", "itn"),
        *("--flow", "dis", "--strength", "0.8", "--keep-color", "--scale", "0.5"),
        *("--style-scale", "2", "--codec", "h265", "--quality", "fast"),
        *("--crf", "20", "--pix-fmt", "yuv420p10le", "--device", "cpu", "--precision", "fp32"),
        *("--threads", "3", "--weights-dir", weights),
    )
    assert outcome.code == 0
    settings = RenderSettings(
        style="candy:0.6+wave:0.4",
        mode="itn",
        quality="fast",
        flow="dis",
        strength=0.8,
        keep_color=True,
        style_scale=2,
        scale=0.5,
        codec="h265",
        crf=20,
        pix_fmt="yuv420p10le",
        device="cpu",
        precision="fp32",
        threads=3,
        weights_dir=weights,
        overwrite=True,
    )
    assert rendered == [(Path("a.mov"), settings, Path("b.mov"))]


def test_without_options_the_defaults_are_those_of_the_library(vst, rendered):
    vst("render", "a.mov", "--style", "candy")
    assert rendered == [(Path("a.mov"), RenderSettings(style="candy"), None)]


def test_the_result_is_one_line_and_notes(vst, rendered):
    outcome = vst("render", "a.mov", "--style", "candy")
    assert outcome.out == "out.mov: 3 frames in 0:02, 2.00 frames/s\n"
    assert outcome.err == "note: the clip was odd\n"


def test_notes_known_before_the_first_frame_are_printed_then_and_once(vst, monkeypatch):
    def fake(source, settings, output=None, *, progress, stop, begun):
        begun(("the sound is converted",))
        progress(Progress(1, 1, 2.0, 1.0, "stylize"))
        notes = ("the sound is converted", "a frame was damaged")
        return Report(source, Path("out.mov"), 1, 1, 1.5, notes, settings)

    monkeypatch.setattr("vst.pipeline.render", fake)
    outcome = vst("render", "a.mov", "--style", "candy", "--json")
    events = [json.loads(line) for line in outcome.out.splitlines()]
    assert [event.get("message", event["event"]) for event in events] == [
        "the sound is converted",
        "progress",
        "a frame was damaged",
        "done",
    ]


def test_quiet_prints_nothing(vst, rendered):
    outcome = vst("render", "a.mov", "--style", "candy", "-q")
    assert (outcome.code, outcome.out, outcome.err) == (0, "", "")


def test_with_json_stdout_has_only_events(vst, rendered):
    outcome = vst("render", "a.mov", "--style", "candy", "--json")
    events = [json.loads(line) for line in outcome.out.splitlines()]
    # Three frames within half a second: one event of progress.
    assert [event["event"] for event in events] == ["progress", "note", "done"]
    assert events[0] == {
        "event": "progress",
        "frame": 1,
        "frames": 3,
        "fps": 2.0,
        "eta": 1.0,
        "stage": "stylize",
    }
    assert events[2]["output"] == "out.mov"
    assert events[2]["frames"] == 3
    assert "out.mov" in outcome.err


def test_without_a_terminal_progress_is_printed_as_lines(vst, rendered, monkeypatch):
    monkeypatch.setattr("vst.cli.progress.LINE_SECONDS", 0.0)
    outcome = vst("render", "a.mov", "--style", "candy")
    assert outcome.err.splitlines()[0] == "frame 1/3, 2.00 frames/s, 0:01 left, limited by stylize"


def test_on_a_terminal_progress_is_a_bar_without_colour_under_no_color(vst, rendered, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr("vst.cli.console.Console.on_terminal", True)
    outcome = vst("render", "a.mov", "--style", "candy")
    assert "frame 3/3, 2.00 frames/s" in outcome.err
    assert "\x1b[3" not in outcome.err


def test_a_failure_is_one_line(vst, monkeypatch):
    failing(monkeypatch, MediaError("clip.mov is\n  broken"))
    outcome = vst("render", "a.mov", "--style", "candy")
    assert (outcome.code, outcome.err) == (1, "vst: error: clip.mov is\\n  broken\n")


def test_a_failure_is_an_event_too(vst, monkeypatch):
    failing(monkeypatch, MediaError("clip.mov is broken"))
    outcome = vst("render", "a.mov", "--style", "candy", "--json")
    assert json.loads(outcome.out) == {"event": "error", "message": "clip.mov is broken", "exit_code": 1}


def test_an_internal_error_shows_a_traceback_only_with_vv(vst, monkeypatch):
    failing(monkeypatch, ZeroDivisionError("by zero"))
    outcome = vst("render", "a.mov", "--style", "candy")
    assert outcome.code == 1
    assert outcome.err == (
        "vst: error: internal error (ZeroDivisionError: by zero); run again with -vv and report it\n"
    )
    outcome = vst("render", "a.mov", "--style", "candy", "-vv")
    assert "Traceback" in outcome.err


def test_an_interrupted_render_exits_130(vst, monkeypatch):
    failing(monkeypatch, Interrupted("stopped at frame 3"))
    outcome = vst("render", "a.mov", "--style", "candy")
    assert (outcome.code, outcome.err) == (130, "vst: stopped at frame 3\n")


def test_a_clip_is_stylized(vst, weights, clip, tmp_path):
    target = tmp_path / "out.mp4"
    outcome = vst("render", clip, "-o", target, "--style", "candy", "--weights-dir", weights)
    assert outcome.code == 0, outcome.err
    assert outcome.out.startswith(f"{target}: 4 frames in ")
    with av.open(str(target)) as container:
        assert sum(1 for _ in container.decode(video=0)) == 4


def test_an_invalid_style_scale_is_bad_usage_in_one_line(vst, weights, clip, tmp_path):
    target = tmp_path / "out.mp4"
    start = ("render", clip, "-o", target, "--style", "candy", "--weights-dir", weights)
    arguments = (*start, "--style-scale")
    outcome = vst(*arguments, "11")
    assert outcome.code == 2
    assert outcome.err.startswith("vst: error: style scale is 11; expected 0.1 (fine strokes) to 10")
    outcome = vst(*arguments, "0.1")
    assert outcome.code == 2
    assert outcome.err == (
        "vst: error: style scale 0.1 would stylize 48×32 at 7200×4800; "
        "no side may be longer than 4096: give 0.18 or more, or none\n"
    )
    assert vst(*arguments, "broad").code == 2
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("mode", ["lstm", "reconet"])
def test_modes_without_flow_stylize_a_clip(vst, clip, weights, tmp_path, mode):
    outcome = vst(
        *("render", clip, "-o", tmp_path / "out.mkv", "--style", "candy:0.6+wave:0.4", "--mode", mode),
        *("--codec", "ffv1", "--precision", "fp32", "--weights-dir", weights, "--no-follow-light"),
    )
    assert outcome.code == 0, outcome.err
    with av.open(str(tmp_path / "out.mkv")) as container:
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    assert len(frames) == 4
    assert all(frame.std() > 1 for frame in frames)  # the clip's frames are plain and dark


def test_a_part_of_the_clip_is_given_by_time_or_by_frame_number(vst, rendered):
    vst("render", "a.mov", "--style", "candy", "--start", "0:01.5", "--end", "300f", "--no-resume")
    vst("render", "a.mov", "--style", "candy", "--frames", "7")
    assert [settings for _, settings, _ in rendered] == [
        RenderSettings(style="candy", start="0:01.5", end="300f", resume=False),
        RenderSettings(style="candy", frames=7),
    ]


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (("--start", "soon"), "--start is 'soon'; expected a time such as 12.5"),
        (("--start", "5", "--end", "4"), "--end 4 is not after --start 5"),
        (("--frames", "0"), "frames is 0; expected 1 or more"),
    ],
)
def test_an_invalid_part_of_the_clip_is_bad_usage(vst, rendered, options, named):
    outcome = vst("render", "a.mov", "--style", "candy", *options)
    assert outcome.code == 2
    assert named in outcome.err
    assert rendered == []


def test_a_resumed_render_reports_how_many_frames_it_rendered(vst, monkeypatch):
    def fake(source, settings, output=None, *, progress, stop, begun):
        progress(Progress(0, 8, 0.0, None, "pre-roll"))
        return Report(source, Path("out.mov"), 8, 2, 2.0, (), settings, resumed=5)

    monkeypatch.setattr("vst.pipeline.render", fake)
    outcome = vst("render", "a.mov", "--style", "candy", "--json")
    done = [json.loads(line) for line in outcome.out.splitlines()][-1]
    assert (done["frames"], done["resumed"], done["fps"]) == (8, 5, 1.5)
    outcome = vst("render", "a.mov", "--style", "candy")
    assert "out.mov: 8 frames, 3 of them in 0:02, 1.50 frames/s" in outcome.err + outcome.out


def test_progress_before_the_first_written_frame_names_the_pre_roll():
    assert in_words(Progress(0, 8, 0.0, None, PREROLL)) == "frame 0/8, pre-roll from the start of its shot"
    assert "pre-roll" not in in_words(Progress(1, 8, 1.0, None, "stylize"))
