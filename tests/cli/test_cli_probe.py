"""`vst probe`: what a file is, in words and as JSON."""

from __future__ import annotations

import json
import re
from fractions import Fraction

import numpy as np
import pytest
from clips import Sound, make_clip
from PIL import Image

from vst.cli.app import run
from vst.media import Encoding, Reader, open_writer


@pytest.fixture
def clip(tmp_path):
    return make_clip(
        tmp_path / "c.mp4",
        sound=[Sound(language="fra")],
        chapters=[(0, 0.2, "one"), (0.2, 0.48, "two")],
        colour=(1, 1, 1),
        full_range=False,
        sample_aspect=Fraction(4, 3),
        rotation=90,
    )


def test_a_clip_is_described_in_plain_words(clip, capsys):
    assert run(["probe", str(clip)]) == 0
    words = dict(re.split(r"  +", line, maxsplit=1) for line in capsys.readouterr().out.splitlines())
    assert words["kind"] == "h264 in mp4"
    assert words["size"] == (
        "32×48, pixels 3/4 as wide as high: shown as 24×48, rotated by 270° from 48×32"
    )
    assert words["time"] == "0.480 s, 12 frames, 25 frames/s"
    assert words["fields"] == "progressive"
    assert words["samples"] == "8 bits, YUV 4:2:0 (yuv420p)"
    assert words["colour"] == "matrix BT.709, limited range, primaries BT.709, transfer BT.709"
    assert words["audio 1"].startswith("aac, 48000 Hz, 1 channel, fra")
    assert words["chapters"] == "2: one, two"


def test_json_is_one_object_a_file_with_every_value(clip, tmp_path, capsys):
    other = make_clip(tmp_path / "hdr.mp4", frames=2, colour=(9, 9, 16))
    assert run(["probe", "--json", str(clip), str(other)]) == 0
    first, second = map(json.loads, capsys.readouterr().out.splitlines())
    assert (first["width"], first["height"], first["rotation"]) == (32, 48, 270)
    assert (first["rate"], first["sample_aspect"], first["duration"]) == ("25", "3/4", 0.48)
    assert first["audio"] == [
        {
            "codec": "aac",
            "rate": 48000,
            "channels": 1,
            "language": "fra",
            "start": first["audio"][0]["start"],
        }
    ]
    assert [chapter["title"] for chapter in first["chapters"]] == ["one", "two"]
    assert (first["hdr"], second["hdr"]) == (None, "pq")


def test_warnings_are_shown(tmp_path, capsys):
    assert run(["probe", str(make_clip(tmp_path / "c.mp4", frames=2))]) == 0
    assert "note" in (out := capsys.readouterr().out)
    assert "has no colour matrix tag" in out
    assert "(assumed)" in out


def test_a_sequence_names_its_numbers_and_gaps(tmp_path, capsys):
    for number in (3, 4, 7):
        Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(tmp_path / f"{number:03d}.png")
    assert run(["probe", str(tmp_path / "###.png"), "--fps", "23.976"]) == 0
    out = capsys.readouterr().out
    assert "3 pictures, PNG, numbers 3 to 7" in out
    assert "frames 5-6 are missing" in out
    assert "23.976 frames/s" in out


@pytest.mark.parametrize("name", ["none.mp4", "text.mp4"])
def test_what_is_no_clip_is_one_line(tmp_path, capsys, name):
    (tmp_path / "text.mp4").write_text("no video" * 50)
    assert run(["probe", str(tmp_path / name)]) == 1
    caught = capsys.readouterr()
    assert caught.out == ""
    assert caught.err.count("\n") == 1
    assert name in caught.err


@pytest.mark.parametrize(("names", "code"), [(["no.mp4", "c.mp4"], 3), (["no.mp4", "neither.mp4"], 1)])
def test_of_several_files_each_is_looked_at(clip, capsys, names, code):
    paths = [str(clip.with_name(name)) for name in names]
    assert run(["probe", *paths]) == code
    caught = capsys.readouterr()
    assert [line.split()[-1] for line in caught.out.splitlines() if line.startswith("file ")] == (
        [str(clip)] if code == 3 else []
    )
    assert caught.err.count("vst: error:") == names.count("no.mp4") + names.count("neither.mp4")
    assert run(["probe", "--json", *paths]) == code
    said = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [each["exit_code"] for each in said if each.get("event") == "error"] == [1] * (
        2 if code == 1 else 1
    )


def test_an_invalid_frame_rate_is_bad_usage(tmp_path, capsys):
    assert run(["probe", str(tmp_path / "%d.png"), "--fps", "fast"]) == 2
    assert "expected a number such as 25, 23.976 or 24000/1001" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["p.png", "p.mkv"])
def test_the_render_that_made_a_file_is_shown(tmp_path, capsys, name):
    text = "vst 1.2.3; mode itn; style candy; weights candy sha256:12"
    Image.new("RGB", (32, 24), "teal").save(tmp_path / "s.png")
    with (
        Reader(tmp_path / "s.png") as reader,
        open_writer(tmp_path / name, reader.info, Encoding(provenance=text)) as writer,
    ):
        for frame in reader:
            writer.write(frame)
    assert run(["probe", str(tmp_path / name)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if "1.2.3" in line] == [
        line for line in lines if line.startswith("made by")
    ]
    assert f"made by  {text}".split() in [line.split() for line in lines]
    assert run(["probe", "--json", str(tmp_path / name)]) == 0
    assert json.loads(capsys.readouterr().out)["provenance"] == text


def test_a_file_of_another_program_states_no_render(clip, capsys):
    assert run(["probe", "--json", str(clip)]) == 0
    assert json.loads(capsys.readouterr().out)["provenance"] is None
