"""Clips that come through a pipe, and clips that are written to one."""

from __future__ import annotations

import logging
import os
import socket
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from fractions import Fraction
from pathlib import Path

import av
import pytest
import torch
from clips import Sound, make_clip, packets

from vst.errors import Interrupted, MediaError, UsageError
from vst.frame import Frame
from vst.media import Encoding, Reader, Writer, open_writer
from vst.media.pipes import input_stream
from vst.media.pipes.input_stream import InputStream, held_stream
from vst.media.probe import probe

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there are no named pipes")


@pytest.fixture
def pipe(tmp_path: Path) -> Path:
    path = tmp_path / "pipe.mkv"
    os.mkfifo(path)
    return path


@contextmanager
def written(pipe: Path, data: bytes) -> Iterator[None]:
    """Write to a pipe in a thread."""

    def write() -> None:
        try:
            pipe.write_bytes(data)
        except BrokenPipeError:
            return

    thread = threading.Thread(target=write, daemon=True)
    thread.start()
    yield
    thread.join(20)
    assert not thread.is_alive()


@contextmanager
def read(pipe: Path) -> Iterator[list[bytes]]:
    """Read a pipe to its end in a thread."""
    found: list[bytes] = []
    thread = threading.Thread(target=lambda: found.append(pipe.read_bytes()), daemon=True)
    thread.start()
    yield found
    thread.join(20)
    assert not thread.is_alive()


@pytest.fixture
def stopped_soon() -> Iterator[threading.Event]:
    """An event that is set after a moment, as by Ctrl-C."""
    stop = threading.Event()
    timer = threading.Timer(0.3, stop.set)
    timer.start()
    yield stop
    timer.cancel()


def clip_of(path: Path, **options: object) -> Path:
    """A clip, with sound where its container has it."""
    if path.suffix == ".y4m":
        plain = make_clip(path.with_suffix(".mkv"), codec="ffv1", frames=9, options={}, **options)
        with av.open(str(plain)) as source, av.open(str(path), "w", format="yuv4mpegpipe") as out:
            stream = out.add_stream("rawvideo", rate=25)
            stream.width, stream.height, stream.pix_fmt = 48, 32, "yuv420p"
            for frame in source.decode(video=0):
                out.mux(stream.encode(frame))
        return path
    base = Fraction(1, 90000) if path.suffix == ".ts" else Fraction(1, 1000)
    return make_clip(path, frames=9, time_base=base, sound=[Sound(seconds=0.4)], **options)


def frames_of(path: Path) -> list[tuple[Fraction, torch.Tensor]]:
    with Reader(path) as reader:
        return [(frame.time, frame.image) for frame in reader]


@pytest.mark.parametrize("suffix", [".mkv", ".ts", ".y4m", ".mp4"])
@pytest.mark.parametrize("piece", [1 << 26, 999])
def test_a_pipe_gives_the_frames_and_times_of_the_file(tmp_path, pipe, monkeypatch, suffix, piece):
    monkeypatch.setattr(input_stream, "PIECE_BYTES", piece)
    clip = clip_of(tmp_path / f"a{suffix}")
    with written(pipe, clip.read_bytes()):
        found = frames_of(pipe)
    expected = frames_of(clip)
    assert [time for time, _ in found] == [time for time, _ in expected]
    assert all(torch.equal(a, b) for (_, a), (_, b) in zip(found, expected, strict=True))


def test_the_sound_of_a_pipe_is_in_the_output(tmp_path, pipe):
    clip = clip_of(tmp_path / "a.mkv")
    with (
        written(pipe, clip.read_bytes()),
        Reader(pipe) as reader,
        open_writer(tmp_path / "o.mkv", reader.info) as writer,
    ):
        for frame in reader:
            writer.write(frame)
        writer.finish()
    assert packets(tmp_path / "o.mkv", "audio") == packets(clip, "audio")


def test_a_pipe_without_data_is_waited_for_until_the_user_stops(pipe, stopped_soon):
    with pytest.raises(Interrupted, match="stopped while waiting for data from"):
        Reader(pipe, stop=stopped_soon)


def test_a_pipe_that_stalls_is_waited_for_until_the_user_stops(tmp_path, pipe):
    data = clip_of(tmp_path / "a.y4m").read_bytes()
    stop = threading.Event()
    end = os.open(pipe, os.O_RDWR)  # so that neither side waits to open it, and the stream has no end
    os.write(end, data[: len(data) // 2])
    threading.Timer(0.5, stop.set).start()
    with pytest.raises(Interrupted):
        Reader(pipe, stop=stop)
    os.close(end)


def test_what_all_readers_have_passed_is_deleted(pipe, monkeypatch):
    monkeypatch.setattr(input_stream, "PIECE_BYTES", 4096)
    with written(pipe, bytes(1_000_000)):
        stream = InputStream(pipe)
        slow, fast = stream.open(), stream.open()
        stream.keep_no_more()
        most = passed = 0
        while data := fast.read(1000):
            passed += len(data)
            slow.read(1000)
            most = max(most, sum(piece is not None for piece in stream._pieces))
        stream.close()
    assert passed == 1_000_000
    # What one read takes from the pipe, at most 256 KiB, and the pieces at both ends.
    assert most <= (1 << 18) // 4096 + 2


def test_only_raw_video_is_not_kept_while_it_is_read(tmp_path, pipe, monkeypatch):
    monkeypatch.setattr(input_stream, "PIECE_BYTES", 4096)
    for suffix, keeps in ((".y4m", False), (".mkv", True)):
        with written(pipe, clip_of(tmp_path / f"a{suffix}").read_bytes()), Reader(pipe) as reader:
            reader.is_last_pass()
            assert len(list(reader)) == 9
            with held_stream(pipe) as stream:
                assert stream._keeps_all is keeps


def test_the_stream_is_read_no_further_than_it_is_needed(pipe):
    end = os.open(pipe, os.O_RDWR)
    os.write(end, bytes(50_000))
    stream = InputStream(pipe)
    assert len(stream.open().read(10)) == 10
    os.set_blocking(end, False)
    assert stream._size <= 50_000
    stream.close()
    os.close(end)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "is empty"),
        (b"\x89PNG\r\n\x1a\n" + bytes(400), "is a picture: save it"),
        (b"text" * 200, "media"),
    ],
)
def test_a_pipe_that_holds_no_video_is_refused(pipe, data, message):
    with written(pipe, data), pytest.raises(MediaError, match=message):
        probe(pipe)


def test_devices_sockets_and_folders_are_refused_at_once(tmp_path):
    with socket.socket(socket.AF_UNIX) as server:
        here = os.getcwd()
        os.chdir(tmp_path)  # the path of a socket is short
        server.bind("socket.mkv")
        os.chdir(here)
        for path, kind in (
            (tmp_path / "socket.mkv", "a socket"),
            (Path("/dev/zero"), "a device"),
            (tmp_path, "a folder"),
        ):
            with pytest.raises(MediaError, match=kind):
                probe(path)
        info = probe(clip_of(tmp_path / "a.mkv"))
        with pytest.raises(MediaError, match=r"socket\.mkv is a socket: expected the name of a file"):
            open_writer(tmp_path / "socket.mkv", info, overwrite=True)
        (tmp_path / "folder.mkv").mkdir()
        with pytest.raises(MediaError, match=r"folder\.mkv is a folder: expected the name of a file"):
            open_writer(tmp_path / "folder.mkv", info, overwrite=True)
    assert (tmp_path / "socket.mkv").is_socket()


def write_all(writer: Writer, frames: Iterable[Frame]) -> None:
    with writer:
        for frame in frames:
            writer.write(frame)


def copied(clip: Path, pipe: Path, target: Path, **options: object) -> Path:
    """Copy a clip through a pipe into a file."""
    with read(pipe) as found, Reader(clip) as reader:
        write_all(open_writer(pipe, reader.info, **options), reader)
    target.write_bytes(found[0])
    return target


@pytest.mark.parametrize("source", [".mkv", ".ts", ".mp4"])
@pytest.mark.parametrize("name", ["mkv", "ts"])
def test_sound_and_times_go_through_an_output_pipe(tmp_path, pipe, source, name):
    clip = clip_of(tmp_path / f"a{source}")
    out = copied(clip, pipe, tmp_path / f"o.{name}", pipe_format=name)
    before, after = frames_of(clip), frames_of(out)
    shift = after[0][0] - before[0][0]
    tick = Fraction(1, 900)
    assert all(abs(b - a - shift) <= tick for (a, _), (b, _) in zip(before, after, strict=True))
    heard, sent = packets(out, "audio"), packets(clip, "audio")
    assert len(heard) == len(sent)
    assert all(abs(b - a - shift) <= tick for (a, _), (b, _) in zip(sent, heard, strict=True))


def test_all_that_the_container_holds_goes_through_an_output_pipe(tmp_path, pipe):
    clip = make_clip(
        tmp_path / "a.mkv",
        time_base=Fraction(1, 1000),
        sound=[Sound(seconds=0.4, language="deu")],
        subtitles=[(0.1, 0.3, "one")],
        chapters=[(0, 0.2, "first"), (0.2, 0.4, "second")],
        tags={"title": "a title"},
        sample_aspect=Fraction(2),
        colour=(1, 1, 1),
    )
    out = copied(clip, pipe, tmp_path / "o.mkv")
    before, after = probe(clip), probe(out)
    assert (after.sample_aspect, after.colour.matrix) == (2, before.colour.matrix)
    assert (after.chapters, after.metadata["title"]) == (before.chapters, "a title")
    assert [each.language for each in (*after.audio, *after.subtitles)] == ["deu", "eng"]
    assert packets(out, "subtitle") == packets(clip, "subtitle")


def test_a_range_ends_sound_and_frames_together(tmp_path, pipe):
    with read(pipe) as found, Reader(clip_of(tmp_path / "a.mkv")) as reader:
        writer = open_writer(pipe, reader.info)
        writer.set_time_range(Fraction(3, 25), until_last_frame=True)
        write_all(writer, [frame for frame in reader if 3 <= frame.index < 6])
    (tmp_path / "o.mkv").write_bytes(found[0])
    assert [time for time, _ in frames_of(tmp_path / "o.mkv")] == [0, Fraction(1, 25), Fraction(2, 25)]
    assert 0 <= packets(tmp_path / "o.mkv", "audio")[-1][0] <= Fraction(3, 25)


def test_raw_video_goes_through_an_output_pipe_exactly(tmp_path, pipe):
    clip = clip_of(tmp_path / "a.y4m")
    out = copied(clip, pipe, tmp_path / "o.y4m", pipe_format="y4m")
    assert all(torch.equal(a, b) for (_, a), (_, b) in zip(frames_of(clip), frames_of(out), strict=True))


@pytest.mark.parametrize(
    ("codec", "pix_fmt", "tag"), [("ffv1", "yuv420p", b" C420mpeg2 "), ("mjpeg", "yuvj420p", b" C420jpeg ")]
)
def test_raw_video_says_where_chroma_lies(tmp_path, pipe, codec, pix_fmt, tag):
    clip = make_clip(tmp_path / "a.mkv", frames=1, codec=codec, pix_fmt=pix_fmt)
    out = copied(clip, pipe, tmp_path / "o.y4m", pipe_format="y4m")
    assert tag in out.read_bytes().split(b"\n")[0]


def test_a_pipe_remains_a_pipe(tmp_path, pipe):
    copied(clip_of(tmp_path / "a.mkv"), pipe, tmp_path / "o.mkv")
    assert pipe.is_fifo()
    assert sorted(os.listdir(tmp_path)) == ["a.mkv", "o.mkv", "pipe.mkv"]


def test_an_output_pipe_without_a_reader_is_waited_for_until_the_user_stops(tmp_path, pipe, stopped_soon):
    info = probe(clip_of(tmp_path / "a.mkv"))
    with pytest.raises(Interrupted, match="stopped while waiting for the program that reads"):
        open_writer(pipe, info, stop=stopped_soon)


def test_an_output_pipe_that_is_full_is_waited_for_until_the_user_stops(tmp_path, pipe):
    stop = threading.Event()
    end = os.open(pipe, os.O_RDWR)
    threading.Timer(0.5, stop.set).start()
    with Reader(clip_of(tmp_path / "a.mkv")) as reader:
        writer = open_writer(pipe, reader.info, stop=stop, pipe_format="y4m")
        frames = [*reader] * 20  # more than a pipe holds
        with pytest.raises(Interrupted):
            write_all(writer, frames)
    os.close(end)


def test_a_reader_that_ends_is_named(tmp_path, pipe):
    with Reader(clip_of(tmp_path / "a.mkv")) as reader:
        end = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
        writer = open_writer(pipe, reader.info, pipe_format="y4m")
        os.close(end)
        with pytest.raises(MediaError, match=r"pipe\.mkv was closed by the program that reads it"):
            write_all(writer, reader)


def test_formats_that_cannot_be_streamed_are_refused(tmp_path):
    info = probe(clip_of(tmp_path / "a.mkv"))
    os.mkfifo(tmp_path / "o.mp4")
    with pytest.raises(
        UsageError, match=r"\.mp4 cannot be written to one: choose --pipe-format mkv, ts, y4m"
    ):
        open_writer(tmp_path / "o.mp4", info)
    with pytest.raises(UsageError, match="is no pipe: leave --pipe-format out"):
        open_writer(tmp_path / "o.mkv", info, pipe_format="ts")
    with pytest.raises(UsageError, match=r"codec ffv1 is not supported in \.ts: use h264 or h265"):
        open_writer(Path("/dev/stdout"), info, Encoding("ffv1"), pipe_format="ts")


def test_waiting_is_said_once(pipe, caplog, monkeypatch):
    from vst.media.pipes import waiting

    monkeypatch.setattr(waiting, "QUIET", 0.2)
    caplog.set_level(logging.WARNING, "vst")  # a command with -q may have raised it
    stop = threading.Event()
    threading.Timer(0.8, stop.set).start()
    began = time.monotonic()
    with pytest.raises(Interrupted):
        Reader(pipe, stop=stop)
    assert time.monotonic() - began < 20
    assert [record.getMessage() for record in caplog.records] == [f"waiting for data from {pipe}"]


def test_a_pipe_that_failed_gives_the_same_error_again(tmp_path, pipe):
    with Reader(clip_of(tmp_path / "a.mkv")) as reader:
        end = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
        writer = open_writer(pipe, reader.info, pipe_format="y4m")
        os.close(end)
        frame = next(iter(reader))
        for _ in range(4):  # the encoder may hold some
            with suppress(MediaError):
                writer.write(frame)
        with pytest.raises(MediaError, match="was closed by the program that reads it"):
            writer.write(frame)
        with pytest.raises(MediaError, match="was closed by the program that reads it"):
            writer.finish()
