"""`vst batch`: a table of results, and an exit code."""

from __future__ import annotations

import json
import shutil

import pytest
from PIL import Image

from vst.media.probe import probe


@pytest.fixture
def footage(clip, tmp_path):
    folder = tmp_path / "footage"
    (folder / "day").mkdir(parents=True)
    shutil.copy(clip, folder / "day" / "good.mp4")
    (folder / "day" / "junk.mov").write_text("junk")
    return folder


def test_a_batch_continues_after_a_failure_and_exits_3(vst, footage, weights, tmp_path):
    arguments = ("batch", footage, "-o", tmp_path / "out", "--style", "candy", "--weights-dir", weights)
    outcome = vst(*arguments)
    assert outcome.code == 3, outcome.err
    lines = outcome.out.splitlines()
    assert lines[0].split() == ["file", "frames", "time", "state", "message"]
    name, frames, _, state = lines[1].split()
    assert (name, frames, state) == ("day/good.mp4", "4", "done")
    assert "junk.mov" in lines[2]
    assert "is not a media file" in lines[2]
    assert (tmp_path / "out/day/good.mp4").stat().st_size > 0

    (footage / "day" / "junk.mov").unlink()
    outcome = vst(*arguments, "--json")
    assert outcome.code == 0
    events = [json.loads(line) for line in outcome.out.splitlines()]
    assert [event["event"] for event in events] == ["file", "done"]
    assert events[0]["state"] == "skipped"
    assert events[1] == {"event": "done", "done": 0, "skipped": 1, "failed": 0, "stopped": 0, "left_out": 0}


def test_an_unknown_style_is_bad_usage_not_a_failure_of_every_file(vst, footage, weights, tmp_path):
    outcome = vst("batch", footage, "-o", tmp_path / "out", "--style", "candi", "--weights-dir", weights)
    assert (outcome.code, outcome.err) == (2, "vst: error: unknown style 'candi': did you mean 'candy'?\n")


def test_a_folder_that_is_missing_gets_the_nearest_name(vst, footage, weights, tmp_path):
    missing = footage.with_name("footgae")
    outcome = vst("batch", missing, "-o", tmp_path / "out", "--style", "candy", "--weights-dir", weights)
    assert outcome.code == 1
    assert "did you mean footage?" in outcome.err


def test_the_style_scale_reaches_every_file_of_a_batch(vst, footage, tmp_path, monkeypatch):
    seen = []

    def fake(source, output, settings, **options):
        seen.append(settings)
        return []

    monkeypatch.setattr("vst.batch.run", fake)
    outcome = vst("batch", footage, "-o", tmp_path / "out", "--style", "candy", "--style-scale", "0.5")
    assert outcome.code == 0, outcome.err
    assert [settings.style_scale for settings in seen] == [0.5]


def test_what_is_left_out_is_named_on_both_channels_and_changes_no_exit_code(vst, clip, weights, tmp_path):
    folder = tmp_path / "mixed"
    folder.mkdir()
    shutil.copy(clip, folder / "clip.mp4")
    for number in range(5):
        (folder / f"{number}.txt").write_text("notes")
    arguments = ("batch", folder, "-o", tmp_path / "out", "--style", "candy", "--weights-dir", weights)
    outcome = vst(*arguments, "--strength", "0")
    assert outcome.code == 0, outcome.err
    assert "left out: text (5): 0.txt, 1.txt, 2.txt and 2 more\n" in outcome.err
    assert "5 other files and folders were left out; -v names them all\n" in outcome.err
    outcome = vst(*arguments, "--strength", "0", "-v")
    assert "left out: text (5): 0.txt, 1.txt, 2.txt, 3.txt, 4.txt\n" in outcome.err
    outcome = vst(*arguments, "--strength", "0", "--json", "-q")
    events = [json.loads(line) for line in outcome.out.splitlines()]
    assert events[0] == {"event": "left_out", "file": "0.txt", "reason": "text"}
    assert [event["event"] for event in events] == ["left_out"] * 5 + ["file", "done"]
    assert (events[-1]["skipped"], events[-1]["left_out"]) == (1, 5)


def test_a_codec_for_clips_does_not_fail_the_pictures(vst, clip, weights, tmp_path):
    folder = tmp_path / "mixed"
    folder.mkdir()
    shutil.copy(clip, folder / "clip.mp4")
    Image.new("RGB", (32, 24)).save(folder / "photo.png")
    outcome = vst(
        *("batch", folder, "-o", tmp_path / "out", "--style", "candy", "--weights-dir", weights),
        *("--strength", "0", "--codec", "ffv1", "--json"),
    )
    assert outcome.code == 0, outcome.err
    events = [json.loads(line) for line in outcome.out.splitlines()]
    files = {event["file"]: event for event in events if event["event"] == "file"}
    assert set(files) == {"clip.mkv", "photo.png"}
    assert files["clip.mkv"]["message"] == "written as .mkv: .mp4 cannot hold ffv1"
    assert "rendered without --codec ffv1, which does not apply to it" in files["photo.png"]["notes"]
    assert probe(tmp_path / "out" / "clip.mkv").codec == "ffv1"


def test_everything_that_render_takes_keeps_its_kind_beside_a_codec_for_video(vst, clip, weights, tmp_path):
    folder = tmp_path / "mixed"
    folder.mkdir()
    shutil.copy(clip, folder / "clip.mp4")
    frames = [Image.new("RGB", (32, 24), colour) for colour in ("red", "blue")]
    frames[0].save(folder / "moving.gif", save_all=True, append_images=frames[1:])
    for name in ("photo.ppm", "photo.avif", "photo.jp2"):
        frames[0].save(folder / name)
    outcome = vst(
        *("batch", folder, "-o", tmp_path / "out", "--style", "candy", "--weights-dir", weights),
        *("--strength", "0", "--codec", "ffv1", "--crf", "5", "--pix-fmt", "yuv444p", "--json"),
    )
    files = [json.loads(line) for line in outcome.out.splitlines()]
    states = {event["file"]: event["state"] for event in files if event["event"] == "file"}
    assert states.pop("clip.mkv") == "failed"  # ffv1 has no --crf
    assert states == dict.fromkeys(("moving.gif", "photo.png", "photo.avif", "photo.jp2"), "done")
    assert outcome.code == 3
