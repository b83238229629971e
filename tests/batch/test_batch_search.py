"""Nothing in the folder of a batch is left out in silence."""

from __future__ import annotations

import os
import threading
import wave
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from vst.batch.left_out import LeftOut, Reason, summary_lines
from vst.batch.search import MANIFEST_NAME, search
from vst.errors import Interrupted, MediaError
from vst.media.probe.suffixes import media_suffixes


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "in").mkdir()
    return tmp_path / "in"


@pytest.fixture
def reasons(folder, tmp_path):
    """Searches the folder; returns the reason for each name, None for media."""

    def find():
        found = search(folder, tmp_path / "out")
        return {path.as_posix(): None for path in found.media} | {
            each.name: each.reason for each in found.left_out
        }

    return find


def write_clip(path: Path, container: str = "mp4") -> None:
    with av.open(str(path), "w", format=container) as output:
        stream = output.add_stream("mpeg4", Fraction(10))
        stream.width = stream.height = 32
        frame = av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8))
        output.mux([*stream.encode(frame), *stream.encode(None)])


def write_sound(path: Path) -> None:
    with wave.open(str(path), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(bytes(8000))


@pytest.mark.parametrize(
    "suffix",
    [".gif", ".avif", ".mov", ".mp4", ".mkv", ".ts", ".m2ts", ".wmv", ".vob", ".ogv", ".y4m", ".bmp"],
)
def test_extensions_come_from_the_tables_of_the_readers(suffix):
    assert suffix in media_suffixes()


def test_what_render_takes_is_taken_whatever_its_name(folder, reasons):
    write_clip(folder / "clip")
    write_clip(folder / "tape.dat", "mpegts")
    Image.new("RGB", (8, 8)).save(folder / "scan", format="PNG")
    Image.new("RGB", (8, 8)).save(folder / "anim.gif")
    Image.new("RGB", (8, 8)).save(folder / "photo.avif")
    assert reasons() == dict.fromkeys(["clip", "tape.dat", "scan", "anim.gif", "photo.avif"])


def test_what_is_no_media_is_named_with_its_reason(folder, reasons):
    write_clip(folder / "clip.mp4")
    (folder / "clip.srt").write_text("1")
    (folder / "clip.mp4.xmp").write_text("<x/>")
    (folder / "notes.txt").write_text("naïve \u00e9\n" * 1000)
    (folder / "data.bin").write_bytes(bytes(range(256)) * 40)
    (folder / "zip.docx").write_bytes(b"PK\3\4" + bytes(100))
    (folder / "nothing").touch()
    write_sound(folder / "sound.wav")
    write_sound(folder / "sound")
    Image.new("RGB", (8, 8)).save(folder / "photo.nef", format="TIFF")
    (folder / "photo.cr3").write_bytes(b"\0\0\0\x18ftypcrx " + bytes(100))
    (folder / "._clip.mp4").write_bytes(b"\0\5\x16\7")
    (folder / ".cache").mkdir()
    (folder / "empty").mkdir()
    assert reasons() == {
        "clip.mp4": None,
        "clip.srt": Reason.SIDECAR,
        "clip.mp4.xmp": Reason.SIDECAR,
        "notes.txt": Reason.TEXT,
        "data.bin": Reason.NO_MEDIA,
        "zip.docx": Reason.NO_MEDIA,
        "nothing": Reason.EMPTY,
        "sound.wav": Reason.AUDIO,
        "sound": Reason.AUDIO,
        "photo.nef": Reason.RAW,
        "photo.cr3": Reason.RAW,
        "._clip.mp4": Reason.HIDDEN,
        ".cache/": Reason.HIDDEN,
        "empty/": Reason.EMPTY_FOLDER,
    }


def test_links_and_pipes_are_named_and_never_opened(folder, reasons, tmp_path):
    write_clip(tmp_path / "elsewhere.mp4")
    os.mkfifo(folder / "pipe.mp4")
    os.mkfifo(folder / "pipe")
    (folder / "good.mp4").symlink_to(tmp_path / "elsewhere.mp4")
    (folder / "dead.mp4").symlink_to("nowhere.mp4")
    (folder / "loop.mp4").symlink_to("loop.mp4")
    (folder / "again").symlink_to(folder)
    assert reasons() == {
        "pipe.mp4": Reason.SPECIAL,
        "pipe": Reason.SPECIAL,
        "good.mp4": None,
        "dead.mp4": Reason.BROKEN_LINK,
        "loop.mp4": Reason.BROKEN_LINK,
        "again/": Reason.LINKED_FOLDER,
    }


def test_output_folders_of_batches_are_named(folder, tmp_path):
    for name in ("earlier", "out"):
        (folder / name).mkdir()
        write_clip(folder / name / "clip.mp4")
    (folder / "earlier" / MANIFEST_NAME).write_text("{}")
    found = search(folder, folder / "out")
    assert (found.media, found.left_out) == (
        [],
        [LeftOut("earlier/", Reason.OUTPUT), LeftOut("out/", Reason.OUTPUT)],
    )


@pytest.fixture
def forbidden(monkeypatch):
    """Makes a folder unreadable, also for root."""
    scan, barred = os.scandir, set()

    def scandir(path="."):
        if str(path) in barred:
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", scandir)
    return lambda path: barred.add(str(path))


def test_a_folder_that_cannot_be_read_is_reported(folder, tmp_path, forbidden):
    (folder / "private").mkdir()
    write_clip(folder / "clip.mp4")
    forbidden(folder / "private")
    found = search(folder, tmp_path / "out")
    assert found.unreadable == [(Path("private"), "permission denied")]
    assert found.media == [Path("clip.mp4")]
    forbidden(folder)
    with pytest.raises(MediaError, match="cannot be read: permission denied"):
        search(folder, tmp_path / "out")


def test_a_search_stops_on_request(folder, tmp_path):
    (folder / "notes.txt").write_text("x")
    stop = threading.Event()
    stop.set()
    with pytest.raises(Interrupted):
        search(folder, tmp_path / "out", stop)


def test_ten_thousand_names_are_one_line():
    left_out = [LeftOut(f"{n}.txt", Reason.TEXT) for n in range(10_000)] + [LeftOut("a\nb/", Reason.HIDDEN)]
    assert list(summary_lines(left_out)) == [
        "hidden (1): a b/",
        "text (10,000): 0.txt, 1.txt, 2.txt and 9,997 more",
    ]
    assert list(summary_lines(left_out, None))[1].endswith("9998.txt, 9999.txt")
