"""A job file is refused if it, its inputs or the machine are not what was planned, whoever wrote it."""

from __future__ import annotations

import dataclasses
import json
import os

import pytest

import vst.pipeline.fingerprint
from tests.batch.farm.conftest import CLIPS
from tests.conftest import make_weights
from vst.batch.farm import SegmentRenderer, join, plan, read_job
from vst.batch.farm.job_file import _digest
from vst.errors import MediaError, UsageError, VstError, WeightsError


@pytest.fixture
def job(tmp_path, settings):
    return plan(CLIPS["cut"](tmp_path), settings(mode="itn"), tmp_path / "job.json", tmp_path / "out.mkv")


def rewrite(job, change, *, sign=True):
    """Change a job file, with the digest that makes it look as it was planned."""
    values = json.loads(job.path.read_text())
    change(values)
    if sign:
        values.pop("digest")
        values = {"digest": _digest(values), **values}
    job.path.write_text(json.dumps(values))


def test_a_job_is_read_as_it_was_planned(job):
    assert read_job(job.path) == job


def test_a_job_may_be_moved_with_its_folder(tmp_path, settings):
    (tmp_path / "here").mkdir()
    clip = CLIPS["cut"](tmp_path / "here")
    plan(clip, settings(mode="itn"), tmp_path / "here" / "job.json", tmp_path / "here" / "out.mkv")
    os.rename(tmp_path / "here", tmp_path / "there")
    moved = read_job(tmp_path / "there" / "job.json")
    with SegmentRenderer(moved) as renderer:
        for index in range(len(moved.segments)):
            renderer.render(index)
    assert join(moved).output == tmp_path / "there" / "out.mkv"


def test_masks_move_with_their_job(tmp_path, settings):
    (tmp_path / "here").mkdir()
    clip, other = CLIPS["cut"](tmp_path / "here"), tmp_path / "elsewhere.mkv"
    mask = tmp_path / "here" / "mask.mkv"
    for each in (mask, other):
        each.write_bytes(clip.read_bytes())
    given = settings(mode="itn", mask=f"{mask},invert", regions=[f"{other}=blue,style-scale=2"])
    planned = plan(clip, given, tmp_path / "here" / "job.json", tmp_path / "here" / "out.mkv")
    os.rename(tmp_path / "here", tmp_path / "there")
    moved = read_job(tmp_path / "there" / "job.json")
    assert moved.settings.mask == dataclasses.replace(given.mask, file=tmp_path / "there" / "mask.mkv")
    assert moved.settings.regions == (dataclasses.replace(given.regions[0], file=other),)
    with SegmentRenderer(moved) as renderer:
        assert renderer.render(0).frames == planned.segments[0].frames


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("mask", "mask.mkv"),
        ("mask", {"file": "mask.mkv", "invert": False, "feather": 0.0}),
        ("mask", {"file": 3, "invert": False, "feather": 0.0, "channel": None}),
        ("mask", {"file": "a\0b", "invert": False, "feather": 0.0, "channel": None}),
        ("mask", {"file": "mask.mkv", "invert": False, "feather": True, "channel": None}),
        ("regions", "mask.mkv=red"),
        ("regions", [["mask.mkv"]]),
    ],
)
def test_masks_of_another_form_are_refused(job, name, value):
    rewrite(job, lambda values: values["settings"].update({name: value}))
    with pytest.raises(VstError, match=rf"is not valid \(.*{name}.*\): plan the job again"):
        read_job(job.path)


def test_an_edited_job_is_refused(job):
    rewrite(job, lambda values: values["settings"].update(style="blue"), sign=False)
    with pytest.raises(VstError, match=r"job.json was edited or damaged after it was planned"):
        read_job(job.path)


def test_a_job_of_another_version_is_refused(job):
    rewrite(job, lambda values: values.update(vst="9.9"))
    with pytest.raises(VstError, match=r"was planned by vst 9.9, and this is vst"):
        read_job(job.path)


def test_a_job_that_was_cut_short_is_refused(job):
    job.path.write_bytes(job.path.read_bytes()[:-30])
    with pytest.raises(VstError, match="is no job of 'vst plan', or was cut short"):
        read_job(job.path)


HOSTILE = {
    "no segments": lambda v: v.update(segments=[]),
    "a gap": lambda v: v["segments"][1].update(first=9),
    "a huge segment": lambda v: v["segments"][-1].update(frames=10**30),
    "a negative frame": lambda v: v["start"].update(first=-1),
    "a text for a number": lambda v: v["segments"][0].update(frames="8"),
    "true for a number": lambda v: v["segments"][0].update(frames=True),
    "a shot after its segment": lambda v: v["segments"][0].update(shot=5),
    "a snapshot of a later segment": lambda v: v["segments"][0].update(after=3),
    "a list for settings": lambda v: v.update(settings=[]),
    "an option that does not exist": lambda v: v["settings"].update(run="rm"),
    "an option without its type": lambda v: v["settings"].update(strength="1"),
    "a file of a style": lambda v: v["settings"].update(style="/etc/time.json"),
    "a file of a strength": lambda v: v["settings"].update(strength="/etc/time.json"),
    "true for a strength": lambda v: v["settings"].update(strength=True),
    "a value out of range": lambda v: v["settings"].update(threads=10**9),
    "a NaN": lambda v: v["settings"].update(strength=float("nan")),
    "no style": lambda v: v["settings"].update(style=None),
    "a null in a path": lambda v: v.update(output="out\0.mkv"),
    "a stream": lambda v: v.update(output="/dev/null"),
    "checksums that are none": lambda v: v.update(checksums="xyz"),
    "half a checksum": lambda v: v.update(checksums="aabb"),
    "seek points backwards": lambda v: v.update(seek_points="12:3 6:1"),
    "seek points of text": lambda v: v.update(seek_points="a:b"),
    "a time that divides by zero": lambda v: v["start"].update(time="1/0"),
    "no weights": lambda v: v.pop("weights"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_job_is_refused_in_one_line(job, name):
    rewrite(job, HOSTILE[name])
    with pytest.raises(VstError, match=r"job.json (is not valid|is no job)") as caught:
        read_job(job.path)
    assert len(str(caught.value).splitlines()) == 1


def test_deep_nesting_is_refused(tmp_path):
    (tmp_path / "job.json").write_text("[" * 100_000)
    with pytest.raises(VstError, match="is no job of 'vst plan'"):
        read_job(tmp_path / "job.json")


def test_a_job_cannot_allow_itself_to_replace_a_file(job):
    with SegmentRenderer(job) as renderer:
        for index in range(len(job.segments)):
            renderer.render(index)
    job.output.write_text("precious")
    rewrite(job, lambda values: values["settings"].update(overwrite=True))
    with pytest.raises(MediaError, match="exists already"):
        join(read_job(job.path))
    assert job.output.read_text() == "precious"


def test_a_changed_clip_is_refused_by_name(job):
    content = bytearray(job.source.read_bytes())
    content[len(content) // 2] ^= 1
    job.source.write_bytes(content)
    for use in (lambda: SegmentRenderer(job).__enter__(), lambda: join(job)):
        with pytest.raises(MediaError, match=r"cut.mkv has changed since the job was planned"):
            use()


def test_a_copied_clip_with_another_time_is_the_same(job):
    os.utime(job.source, (1, 1))
    with SegmentRenderer(job) as renderer:
        assert renderer.render(0).frames == 8


def test_changed_weights_are_refused_by_name(tmp_path, settings):
    (tmp_path / "weights").mkdir()
    weights = make_weights(tmp_path / "weights", ("red", "blue"))
    chosen = settings(mode="itn").__class__(
        style="red", mode="itn", device="cpu", precision="fp32", threads=1, weights_dir=weights
    )
    job = plan(CLIPS["cut"](tmp_path), chosen, tmp_path / "job.json", tmp_path / "out.mkv")
    make_weights(weights, ("red", "green"))
    with pytest.raises(
        WeightsError, match=r"itn-tiny.safetensors is not the file that the job was planned"
    ):
        SegmentRenderer(job).__enter__()


def test_a_machine_that_would_give_other_frames_is_refused_by_name(job, monkeypatch):
    monkeypatch.setattr(vst.pipeline.fingerprint, "_hardware", lambda device: "cpu (AVX9)")
    with pytest.raises(
        UsageError, match=r"--device was cpu \(.*\) and is cpu \(AVX9\); use equal machines"
    ):
        SegmentRenderer(job).__enter__()


def test_threads_are_those_of_the_plan(job, monkeypatch):
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with SegmentRenderer(job) as renderer:
            assert torch.get_num_threads() == 1
            renderer.render(0)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_what_has_no_segments_is_refused(tmp_path, settings):
    from PIL import Image

    Image.new("RGB", (48, 32), "red").save(tmp_path / "red.png")
    with pytest.raises(UsageError, match="is one picture, which has no segments: use vst render"):
        plan(tmp_path / "red.png", settings(mode="itn"), tmp_path / "job.json")
    with pytest.raises(UsageError, match="a stream is rendered in one go"):
        plan(CLIPS["cut"](tmp_path), settings(mode="itn"), tmp_path / "job.json", "/dev/null")
    assert not (tmp_path / "job.json").exists()
