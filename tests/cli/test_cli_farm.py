"""`vst plan`, `vst segment` and `vst join`."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from vst.cli.segment_numbers import parse_segments
from vst.errors import UsageError

ROOT = Path(__file__).parents[2]

OPENJD = shutil.which("openjd")


@pytest.fixture
def chosen(clip, weights):
    return [
        clip,
        *("--style", "candy", "--mode", "itn", "--precision", "fp32", "--device", "cpu", "--threads", "1"),
        *("--weights-dir", weights),
    ]


def test_three_commands_give_the_file_of_one(vst, chosen, tmp_path):
    job, output, whole = tmp_path / "job.json", tmp_path / "out.mp4", tmp_path / "whole.mp4"
    assert vst("render", *chosen, "-o", whole).code == 0
    done = vst("plan", *chosen, "-o", job, "--output", output)
    assert (done.code, done.out) == (0, f"{job}: 4 frames, 1 shot, 1 segment (0 to 0)\n")
    early = vst("join", job)
    assert early.code == 1
    assert "1 of the 1 segments of job.json are missing or damaged: render them with" in early.err
    assert vst("segment", job, "0").out.startswith("segment 0: 4 frames in 0:0")
    assert vst("segment", job, "0-0").out == "segment 0: finished before\n"
    joined = vst("join", job)
    assert (joined.code, joined.out) == (0, f"{output}: 4 frames\n")
    assert output.read_bytes() == whole.read_bytes()
    assert sorted(each.name for each in tmp_path.iterdir()) == ["job.json", "out.mp4", "whole.mp4"]


def test_json_says_what_each_segment_needs(vst, chosen, tmp_path):
    job = tmp_path / "job.json"
    events = [
        json.loads(line)
        for line in vst(
            "plan", *chosen, "-o", job, "--output", tmp_path / "out.mp4", "--json"
        ).out.splitlines()
    ]
    segment = next(each for each in events if each["event"] == "segment")
    assert segment == {
        **{"event": "segment", "segment": 0, "first": 0, "frames": 4, "shot": 0, "after": None},
        **{"decoded": 4, "stylized": 4, "replay_decoded": 4, "replay_stylized": 4},
    }
    assert events[-1]["event"] == "planned"
    done = json.loads(vst("segment", job, "0", "--json").out.splitlines()[-1])
    assert (done["event"], done["was_finished"], done["replayed"]) == ("segment", False, 0)
    joined = json.loads(vst("join", job, "--json").out.splitlines()[-1])
    assert [joined[name] for name in ("event", "frames", "shots", "style")] == ["done", 4, 1, "candy"]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["segment", "{job}", "1"], 2, "segment 1 is not in the job; expected 0 to 0"),
        (["segment", "{job}", "one"], 2, "the segment is 'one'; expected a number such as 3, or a range"),
        (["segment", "{folder}/none.json", "0"], 1, "none.json cannot be read: no such file or directory"),
        (["join", "{folder}/none.json"], 1, "none.json cannot be read: no such file or directory"),
        (["plan", "{clip}", "-o", "{job}", "--style", "candy"], 1, "job.json exists already"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(vst, chosen, tmp_path, clip, arguments, code, message):
    job = tmp_path / "job.json"
    assert vst("plan", *chosen, "-o", job, "--output", tmp_path / "out.mp4").code == 0
    given = [each.format(job=job, folder=tmp_path, clip=clip) for each in arguments]
    if given[0] == "plan":
        given += [*map(str, chosen[3:]), "--output", str(tmp_path / "out.mp4")]
    done = vst(*given)
    assert done.code == code
    assert message in done.err
    assert len(done.err.splitlines()) == 1


def test_a_template_of_open_job_description_has_the_commands(vst, chosen, tmp_path):
    job, template = tmp_path / "job.json", tmp_path / "template.yaml"
    planned = ["plan", *chosen, "-o", job, "--output", tmp_path / "out {{x}}.mp4", "--openjd"]
    assert "is not in the folder of" in vst(*planned, tmp_path / "other" / "t.yaml").err
    assert "is no name of a template" in vst(*planned, tmp_path / "t.txt").err
    assert not job.exists()
    assert vst(*planned, template).code == 0
    text = template.read_text()
    assert 'name: "vst out __x__.mp4"' in text
    assert 'range: "0-0"' in text
    assert 'args: [segment, "{{Param.Folder}}/{{Param.Job}}", "{{Task.Param.Segment}}"]' in text


@pytest.mark.skipif(OPENJD is None, reason="openjd is not installed: pip install openjd-cli")
def test_openjd_runs_a_template_to_the_file_of_one_render(vst, chosen, tmp_path):
    output, template, command = tmp_path / "out.mp4", tmp_path / "template.yaml", tmp_path / "vst"
    command.write_text(f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -m vst "$@"\n')
    command.chmod(0o755)
    assert vst("render", *chosen, "-o", tmp_path / "whole.mp4").code == 0
    planned = ["plan", *chosen, "-o", tmp_path / "job.json", "--output", output, "--openjd", template]
    assert vst(*planned).code == 0
    subprocess.run([OPENJD, "check", template], check=True)
    subprocess.run([OPENJD, "run", template, "-p", f"Vst={command}"], cwd=tmp_path, check=True)
    assert output.read_bytes() == (tmp_path / "whole.mp4").read_bytes()


@pytest.mark.parametrize(
    ("text", "numbers"),
    [("0", [0]), ("3", [3]), ("2-4", [2, 3, 4]), ("1-1", [1]), ("0,2-3", [0, 2, 3]), ("3,0", [0, 3])],
)
def test_numbers_of_segments(text, numbers):
    assert parse_segments(text, 5) == numbers


@pytest.mark.parametrize("text", ["", "-1", "5", "3-9", "4-2", "a", "1-", "1--2", "0,", "1" * 30, "²"])
def test_what_is_no_number_of_a_segment_is_refused(text):
    with pytest.raises(UsageError):
        parse_segments(text, 5)
