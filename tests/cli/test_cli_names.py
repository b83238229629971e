"""A file's name is only a name: every byte but / and NUL may be in it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks.names import fault_of, in_process, make_samples, random_names
from tests.cli.conftest import Outcome

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="other systems restrict file names")

ROOT = Path(__file__).parents[2]
ODD = (
    "C# lesson", "100%done", "%d", "%04d", "a%%b", "####", "what?", "[a]*", "a[b", "12:30", "file:x",
    "http:x", "pipe:1", "concat:a|b", "subfile,,start,0,end,9,,:x", "data:,a", "-x", "--style", "-", "~",
    "$HOME", "a  b", " lead", "trail ", "dot.", "..a", "a\nb", "\x1b[31mred", "\u202eslanted", "日本",
    "a'b\"c", "a\\b", "@file", "a=b", os.fsdecode(b"\xff\xfe"), "n" * 240,
)  # fmt: skip
"""Beginnings of names that mean something to a shell, to libav or to this program."""

Command = Callable[..., Outcome]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, which is the current one: a name without a folder is where a colon misleads."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def options(weights: Path) -> list[str]:
    """Of a render without a network."""
    return ["--style", "candy", "--strength", "0", "-q", "--weights-dir", str(weights)]


@pytest.mark.parametrize("seed", range(4))
def test_five_hundred_random_names(here, tmp_path, weights, seed):
    samples = make_samples(tmp_path)
    options = ["--weights-dir", str(weights)]
    found = [fault_of(name, samples, in_process, options) for name in random_names(500, seed)]
    assert [each for each in found if each is not None] == []


def test_a_clip_of_any_name_is_rendered_to_its_default_name_and_to_any_other(vst, here, clip, options):
    for name in ODD:
        shutil.copy(clip, name + ".mp4")
        done = vst("render", *options, "--", name + ".mp4")
        assert (done.code, done.err) == (0, ""), name
        done = vst("render", *options, "-o", f"{name}_.mkv", clip)
        assert (done.code, done.err) == (0, ""), name
        assert set(os.listdir()) == {name + ".mp4", name + ".candy.mp4", name + "_.mkv"}
        for each in os.listdir():
            os.unlink(each)


def test_a_batch_renders_every_name_under_the_same_name(vst, here, clip, options):
    os.mkdir("in")
    for name in ODD:
        if not name.startswith("."):  # hidden files are left out
            Image.fromarray(np.zeros((4, 5, 3), np.uint8)).save("in/picture.png")
            os.rename("in/picture.png", f"in/{name}.png")
    shutil.copy(clip, "in/C# 12:30.mp4")
    done = vst("batch", "in", "-o", "out", *options)
    assert (done.code, done.err) == (0, "")
    written = {name for name in os.listdir("out") if not name.startswith(".vst-batch")}
    assert written == set(os.listdir("in"))


@pytest.mark.parametrize("name", ["a: #1 %d", "file:x", os.fsdecode(b"\xfe\n")])
def test_every_command_takes_any_name(vst, here, clip, name):
    one, other = name + ".mp4", name + "2.mp4"
    shutil.copy(clip, one)
    shutil.copy(clip, other)
    commands = (
        ("compare", one, other, "-q", "-o", name + "3.mp4"),
        ("flow", one, "-q", "--flow", "dis", "--view", name + "4.mp4", "-o", name + "5"),
        ("evaluate", one, other, "-q", "--flow", "farneback", "--report", name + "6.html"),
        ("probe", one),
    )
    for command in commands:
        done = vst(*command)
        assert (done.code, "error" in done.err) == (0, False), (command, done.err)
    assert set(os.listdir()) == {one, other, name + "3.mp4", name + "4.mp4", name + "5", name + "6.html"}


def test_weights_in_a_folder_of_any_name(vst, here, clip, weights, tmp_path):
    folder = tmp_path / os.fsdecode(b"\xff: #\n")
    shutil.copytree(weights, folder)
    done = vst("render", clip, "--style", "candy", "--weights-dir", folder, "-o", "out.mkv", "-q")
    assert (done.code, done.err) == (0, "")


def test_json_gives_back_the_exact_name(vst, here, clip, options):
    name = os.fsdecode(b"a\xff\n.mp4")
    shutil.copy(clip, name)
    done = vst("render", *options, "--json", "--", name)
    last = json.loads(done.out.splitlines()[-1])
    assert os.path.exists(last["output"])
    assert last["source"] == name


def test_names_are_printed_byte_by_byte_in_one_line(here, clip, weights):
    name = b"a  b\xff\n\x1b[31m.mp4"
    shutil.copy(clip, name)
    command = [
        sys.executable,
        "-m",
        "vst",
        "render",
        "--style",
        "candy",
        "--strength",
        "0",
        "--weights-dir",
    ]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(
        [*command, str(weights), "--", name], capture_output=True, env=environment, check=True
    )
    assert done.stdout.startswith(b"a  b\xff\\n\\x1b[31m.candy.mp4: 4 frames")
    assert done.stdout.count(b"\n") == 1
    done = subprocess.run(
        [*command, str(weights), "--", name + b"?"], capture_output=True, env=environment, check=False
    )
    assert done.stderr.startswith(b"vst: error: a  b\xff\\n\\x1b[31m.mp4? does not exist")
    assert done.stderr.count(b"\n") == 1


def test_an_unwritable_name_is_one_line_that_names_the_option(vst, here, clip, options):
    shutil.copy(clip, "n" * 251 + ".mp4")
    done = vst("render", *options, "n" * 251 + ".mp4")
    assert done.code == 2
    assert (
        "has 261 bytes, more than the 255 that a file's name may have: give a shorter one with -o"
        in done.err
    )
    done = vst("render", *options, "-o", "n" * 253 + ".mp4", clip)
    assert (done.code, "has 257 bytes" in done.err) == (2, True)
    done = vst("render", *options, "n" * 300 + ".mp4", "-o", "n.mp4")
    assert (done.code, "ile name too long" in done.err) == (1, True)
    assert os.listdir() == ["n" * 251 + ".mp4"]


def test_a_dash_is_standard_input_and_its_path_is_a_file(vst, here, clip, options):
    shutil.copy(clip, "-")
    assert vst("render", *options, "./-", "-o", "./-", "-y").code == 2  # no suffix
    assert vst("render", *options, "./-", "-o", "-.mp4").code == 0
    assert set(os.listdir()) == {"-", "-.mp4"}


def test_paths_reach_libav_as_paths():
    for file in (ROOT / "vst").rglob("*.py"):
        text = file.read_text(encoding="utf-8")
        assert not re.search(r"av\.open\(\s*str\(", text), f"{file}: use vst.media.libav.url_of"
