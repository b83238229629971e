"""`vst` between other programs: `-` for standard input and output, named pipes, signals while it waits."""

from __future__ import annotations

import io
import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

import av
import pytest

from vst.errors import Interrupted
from vst.pipeline import RenderSettings, render

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there are no named pipes")

ROOT = Path(__file__).parents[2]


def start(*arguments: object, **options: object) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "vst", *map(str, arguments)],
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        **options,
    )


@pytest.fixture
def options(weights: Path) -> list[object]:
    return ["--style", "candy", "--strength", "0", "--weights-dir", weights]


def test_standard_output_holds_the_video_and_nothing_else(clip, options):
    process = start(
        "render", "-", "-o", "-", "-vv", *options, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    out, err = process.communicate(clip.read_bytes(), timeout=120)
    assert process.returncode == 0, err
    with av.open(io.BytesIO(out)) as container:
        assert container.format.name == "matroska,webm"
        assert sum(1 for _ in container.decode(video=0)) == 4
    assert out.startswith(b"\x1aE\xdf\xa3")
    assert b"/dev/stdout: 4 frames" in err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_ends_a_render_that_waits_for_input(tmp_path, options, number):
    pipe = tmp_path / "in.mkv"
    os.mkfifo(pipe)
    process = start("render", pipe, "-o", tmp_path / "o.mkv", *options)
    assert process.stderr is not None
    assert any(b"waiting for data from" in line for line in process.stderr)
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert b"vst: stopped while waiting for data from" in err
    assert os.listdir(tmp_path) == ["in.mkv"]


def test_the_first_signal_ends_a_render_whose_output_nobody_reads(tmp_path, clip, options):
    os.mkfifo(tmp_path / "o.y4m")
    end = os.open(tmp_path / "o.y4m", os.O_RDWR)
    process = start("render", clip, "-o", tmp_path / "o.y4m", "--size", "320", *options)
    assert process.stderr is not None
    assert any(b"waiting for the program that reads" in line for line in process.stderr)
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=60)
    os.close(end)
    assert (process.returncode, b"vst: stopped" in err) == (130, True), err


def test_a_program_that_stops_reading_ends_the_render_with_a_line(clip, options):
    process = start("render", clip, "-o", "-", "--pipe-format", "y4m", *options, stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    err = process.stderr.read()
    assert process.wait(60) == 1
    assert err.endswith(b"vst: error: /dev/stdout was closed by the program that reads it\n")


def test_a_stopped_stream_keeps_what_came(tmp_path, clip, weights):
    pipe, stop = tmp_path / "in.mkv", threading.Event()
    os.mkfifo(pipe)
    with av.open(str(clip)) as source, av.open(str(tmp_path / "a.mkv"), "w") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.size:
                packet.stream = stream
                target.mux(packet)
    end = os.open(pipe, os.O_RDWR)  # never closed by the writer, so the stream has no end
    data = (tmp_path / "a.mkv").read_bytes()
    os.write(end, data)
    settings = RenderSettings(style="candy", strength=0, weights_dir=weights)
    threading.Timer(2.0, stop.set).start()
    with pytest.raises(Interrupted, match=r"stopped while waiting for data"):
        render(pipe, settings, tmp_path / "o.mkv", stop=stop)
    os.close(end)
    assert {path.name for path in tmp_path.iterdir()} <= {"in.mkv", "a.mkv", "o.incomplete.mkv"}


def test_a_batch_goes_past_a_pipe(vst, tmp_path, clip, options):
    (tmp_path / "in").mkdir()
    shutil.copy(clip, tmp_path / "in" / "a.mp4")
    os.mkfifo(tmp_path / "in" / "b.mp4")
    done = vst("batch", tmp_path / "in", "-o", tmp_path / "out", *options)
    assert done.code == 0
    assert "left out: named pipe, socket or device (1): b.mp4" in done.err
    assert (tmp_path / "out" / "a.mp4").is_file()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-", "-o", "o.mkv", "--resume"], "cannot be resumed: leave --resume out"),
        (["CLIP", "-o", "-", "--resume"], "cannot be resumed: leave --resume out"),
        (["CLIP", "-o", "-", "--json"], "--json and the video would both go to standard output"),
        (["-"], "no output for /dev/stdin: give one with -o"),
        (["-", "-o", "o.mkv", "--flow", "file:."], "is a stream, which has no recorded flow"),
    ],
)
def test_what_a_stream_cannot_do_is_refused(vst, tmp_path, monkeypatch, clip, options, arguments, message):
    monkeypatch.chdir(tmp_path)
    reader, writer = os.pipe()
    before = os.dup(0)
    os.dup2(reader, 0)
    try:
        done = vst("render", *(clip if each == "CLIP" else each for each in arguments), *options)
    finally:
        os.dup2(before, 0)
        for each in (reader, writer, before):
            os.close(each)
    assert done.code == 2
    assert message in done.err


def test_a_closed_standard_output_is_an_error(clip, options):
    process = start("render", clip, "-o", "-", *options, preexec_fn=lambda: os.close(1))
    _, err = process.communicate(timeout=120)
    assert process.returncode == 1
    assert err == b"vst: error: standard output is closed: redirect it to a file or /dev/null\n"
