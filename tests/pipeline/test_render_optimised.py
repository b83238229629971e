"""Renders in mode gatys: files, steps and time, stopping, preview, and refused options."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import vst.pipeline.job
import vst.pipeline.plan
from tests.modes.gatys.conftest import painting
from vst.batch import FileState, run
from vst.batch.farm import SegmentRenderer, join, plan, read_job
from vst.errors import Interrupted, MediaError, UsageError, WeightsError
from vst.media.probe import probe
from vst.media.segments.work_folder import DESCRIPTION
from vst.modes.optimisation.stylizer import OptimisingStylizer
from vst.pipeline import RenderSettings, render
from vst.pipeline.optimisation_run import duration
from vst.styles import resolve_style

__all__ = ["painting"]


@pytest.fixture
def optimised(settings, painting, loss_folder):
    """Makes settings of mode gatys with few steps."""

    def make(**options: object) -> RenderSettings:
        given = {"style": str(painting), "loss_network": str(loss_folder), "steps": 4, "levels": 1}
        given |= options
        if "seconds" in options:
            del given["steps"]
        return settings(**{"mode": "gatys", **given})

    return make


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.png"
    ramp = np.linspace(0, 255, 48 * 64 * 3).reshape(48, 64, 3).astype(np.uint8)
    Image.fromarray(ramp).save(path)
    return path


@pytest.fixture
def clip(exact_clip) -> Path:
    pictures = [np.full((48, 64, 3), 40 + 20 * number, np.uint8) for number in range(6)]
    return exact_clip("clip.mkv", pictures)


@pytest.fixture(autouse=True)
def quick_clock(monkeypatch):
    """Steps that take a second each: nothing here depends on how fast a machine is."""
    monkeypatch.setattr(OptimisingStylizer, "seconds_a_step", lambda self, width, height: 1.0)


def test_a_picture_is_a_style_and_names_the_output(photo, optimised):
    report = render(photo, optimised())
    assert report.output == photo.with_name("photo.stripes.png")
    assert Image.open(report.output).size == (64, 48)
    assert "4 steps: about 4 seconds for 1 frame at 64×48" in report.notes
    assert "mode gatys; style stripes.png; paintings stripes.png sha256:" in probe(report.output).provenance


@pytest.mark.parametrize(
    "options", [{"keyframe_interval": 1}, {"keyframe_interval": 2}, {"temporal_weight": 0.0}]
)
def test_a_clip_is_optimised_and_resumes_bit_for_bit(clip, optimised, tmp_path, monkeypatch, options):
    monkeypatch.setattr(vst.pipeline.job, "MAX_SEGMENT_FRAMES", 2)
    whole = render(clip, optimised(codec="ffv1", **options), tmp_path / "whole.mkv")
    stop = threading.Event()
    with pytest.raises(Interrupted, match="the same command goes on after them"):
        render(
            clip,
            optimised(codec="ffv1", **options),
            tmp_path / "out.mkv",
            progress=lambda each: stop.set() if each.frame == 3 and each.step else None,
            stop=stop,
        )
    again = render(clip, optimised(codec="ffv1", **options), tmp_path / "out.mkv")
    assert (again.frames, again.resumed) == (6, 2)
    assert again.output.read_bytes() == whole.output.read_bytes()


def test_seconds_become_steps_that_a_stopped_render_goes_on_with(clip, optimised, tmp_path, monkeypatch):
    monkeypatch.setattr(vst.pipeline.job, "MAX_SEGMENT_FRAMES", 1)
    stop, output = threading.Event(), tmp_path / "out.mkv"
    with pytest.raises(Interrupted):
        render(
            clip,
            optimised(seconds=3.0, temporal_weight=0.0),
            output,
            progress=lambda each: stop.set() if each.frame == 2 else None,
            stop=stop,
        )
    description = output.with_name(f".{output.name}.vst-work") / DESCRIPTION
    recorded = json.loads(description.read_text())["render"]["fingerprint"]
    assert (recorded["--seconds"], recorded["--steps"]) == ("3.0", "3")
    # On a machine twice as fast the same seconds would be six steps.
    monkeypatch.setattr(OptimisingStylizer, "seconds_a_step", lambda self, width, height: 0.5)
    seen = []
    again = render(clip, optimised(seconds=3.0, temporal_weight=0.0), output, progress=seen.append)
    assert again.resumed > 0
    assert {each.step.steps for each in seen if each.step} == {3}
    fresh = render(clip, optimised(seconds=3.0), tmp_path / "other.mkv")
    assert any(note.startswith("6 steps") for note in fresh.notes)


def test_a_picture_that_is_stopped_is_written_as_it_is(photo, optimised, tmp_path):
    stop = threading.Event()
    with pytest.raises(Interrupted, match=r"the picture so far is in .*out\.incomplete\.png"):
        render(
            photo,
            optimised(steps=50),
            tmp_path / "out.png",
            progress=lambda each: stop.set() if each.step and each.step.number == 3 else None,
            stop=stop,
        )
    assert not (tmp_path / "out.png").exists()
    pixels = np.array(Image.open(tmp_path / "out.incomplete.png")).astype(int)
    before = np.array(Image.open(photo)).astype(int)
    assert pixels.shape == before.shape
    assert np.abs(pixels - before).max() > 3
    assert list(tmp_path.glob(".out*")) == []


def test_progress_has_steps_and_both_losses(photo, optimised):
    seen = []
    render(photo, optimised(), progress=seen.append)
    steps = [each.step for each in seen if each.step]
    assert [(each.number, each.steps) for each in steps] == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert {"content", "style"} <= set(steps[-1].losses)
    assert steps[-1].losses["style"] < steps[0].losses["style"]
    assert seen[-1].frame == 1


def test_the_preview_is_the_picture_so_far(photo, optimised, tmp_path):
    preview = tmp_path / "look.png"
    report = render(photo, optimised(preview=preview, follow_light=False))
    written, shown = (np.array(Image.open(path)).astype(int) for path in (report.output, preview))
    assert np.abs(written - shown).max() <= 1


@pytest.mark.parametrize(
    ("name", "kind", "message"),
    [
        ("look.txt", UsageError, "no picture; expected one of .png"),
        ("stripes.png", MediaError, "is one of the inputs"),
        ("photo.png", MediaError, "is one of the inputs"),
        ("out.png", MediaError, "is the output"),
        ("none/look.png", MediaError, "does not exist"),
    ],
)
def test_a_preview_replaces_nothing_else(photo, optimised, tmp_path, name, kind, message):
    with pytest.raises(kind, match=message):
        render(photo, optimised(preview=tmp_path / name), tmp_path / "out.png")


def test_on_a_cpu_frames_are_small_unless_a_size_is_given(exact_clip, optimised, tmp_path, monkeypatch):
    monkeypatch.setattr(vst.pipeline.plan, "CPU_SIDE", 48)
    clip = exact_clip("large.mkv", [np.full((60, 80, 3), 90, np.uint8)])
    small = render(clip, optimised(steps=1), tmp_path / "small.mkv")
    assert (probe(small.output).width, probe(small.output).height) == (64, 48)
    assert any(note.startswith("optimised at 64×48, because larger") for note in small.notes)
    given = render(clip, optimised(steps=1, scale=1), tmp_path / "given.mkv")
    assert (probe(given.output).width, probe(given.output).height) == (80, 60)
    assert not any("larger frames" in note for note in given.notes)


def test_keyframes_are_optimised_and_propagated(clip, optimised, tmp_path):
    seen = []
    report = render(clip, optimised(keyframe_interval=5), tmp_path / "out.mkv", progress=seen.append)
    assert report.frames == 6
    # All of the second keyframe is propagated, so that it takes few steps.
    assert [each.step.number for each in seen if each.step] == [1, 2, 3, 4, 1]
    assert any("for 2 frames" in note for note in report.notes)


def test_the_first_picture_may_be_a_networks(photo, optimised, tmp_path):
    # One step evaluates the first picture and changes nothing.
    one = {"steps": 1, "follow_light": False}
    by_network = render(photo, optimised(init="red", **one), tmp_path / "a.png")
    itn = render(
        photo,
        RenderSettings(
            style="red",
            mode="itn",
            device="cpu",
            precision="fp32",
            threads=1,
            follow_light=False,
            weights_dir=optimised().weights_dir,
        ),
        tmp_path / "b.png",
    )
    first, second = (np.array(Image.open(each.output)).astype(int) for each in (by_network, itn))
    assert np.abs(first - second).max() <= 1


def test_a_picture_in_memory_is_optimised_as_a_file_is(photo, optimised, painting, loss_folder, tmp_path):
    from vst.pipeline import stylize

    image = torch.from_numpy(np.array(Image.open(photo))).permute(2, 0, 1) / 255
    options = {
        "loss_network": str(loss_folder),
        "steps": 3,
        "levels": 1,
        "device": "cpu",
        "precision": "fp32",
    }
    output = stylize(image, str(painting), mode="gatys", **options)
    report = render(photo, optimised(steps=3), tmp_path / "out.png")
    written = np.array(Image.open(report.output)).astype(int)
    assert np.abs((output.permute(1, 2, 0) * 255).round().int().numpy() - written).max() <= 1
    with pytest.raises(UsageError, match="seconds is for renders of files"):
        stylize(image, str(painting), mode="gatys", seconds=3.0, **options)
    for name, value in (("mask", "mask.png"), ("follow_light", False), ("codec", "ffv1")):
        with pytest.raises(UsageError, match=f"{name} is no option of a picture in memory"):
            stylize(image, str(painting), mode="gatys", **{name: value}, **options)


def test_options_of_these_modes_are_refused_with_others(photo, settings):
    with pytest.raises(UsageError, match="leave it out, or pass --mode ruder"):
        render(photo, settings(mode="itn", passes=5))
    with pytest.raises(UsageError, match="--steps is an option of modes that optimise pixels, and mode is"):
        render(photo, settings(mode="itn", steps=5))


@pytest.mark.parametrize(
    ("options", "kind", "message"),
    [
        ({"content_weight": 0, "style_weight": 0}, UsageError, "both 0"),
        ({"precision": "fp16"}, UsageError, "too small for precision fp16"),
        ({"style_layers": "relu4_4"}, UsageError, "no style layer 'relu4_4'"),
        ({"style": "red"}, UsageError, "needs the painting of style 'red', and paintings do not ship"),
        ({"style": "rad"}, UsageError, "unknown style 'rad': did you mean 'red'"),
        ({"style": "nowhere.jpg"}, MediaError, "nowhere.jpg does not exist"),
        ({"loss_network": "vgg20"}, UsageError, "no loss network 'vgg20': did you mean"),
        ({"init": "blou"}, UsageError, "unknown style 'blou'"),
        ({"regions": ["m.png=nowhere.jpg"]}, MediaError, "nowhere.jpg does not exist"),
        ({"style": "PAINTING@nowhere.png"}, MediaError, r"the mask nowhere.png of .*stripes.png does not"),
        ({"style": "PAINTING@"}, UsageError, "like painting.jpg@mask.png"),
        (
            {"regions": ["m.png=PAINTING@PAINTING"], "style_loss": "mmd-linear"},
            UsageError,
            "style loss is 'mmd-linear' and a painting has a mask; expected one of gram, shifted",
        ),
        (
            {"regions": ["m.png=PAINTING:0.5+PHOTO:0.5"], "style_loss": "histogram"},
            UsageError,
            "style loss is 'histogram' and regions have several styles; expected one of gram, shifted",
        ),
    ],
)
def test_what_cannot_be_optimised_is_refused_in_one_line(
    photo, painting, optimised, options, kind, message
):
    def named(text: str) -> str:
        return text.replace("PAINTING", str(painting)).replace("PHOTO", str(photo))

    given = {
        name: list(map(named, value)) if name == "regions" else named(value) if name == "style" else value
        for name, value in options.items()
    }
    with pytest.raises(kind, match=message) as error:
        render(photo, optimised(**given))
    assert "\n" not in str(error.value)


def test_outside_of_a_mask_a_picture_stays_as_it_is(photo, optimised, tmp_path):
    mask = np.zeros((48, 64), np.uint8)
    mask[:, :20] = 255
    Image.fromarray(mask).save(tmp_path / "mask.png")
    masked, whole = (
        np.array(Image.open(render(photo, optimised(**options), tmp_path / name).output))
        for name, options in (("m.png", {"mask": str(tmp_path / "mask.png")}), ("w.png", {}))
    )
    assert np.array_equal(masked[:, :20], whole[:, :20])
    assert np.array_equal(masked[:, 20:], np.array(Image.open(photo))[:, 20:])


def test_without_a_loss_network_the_user_is_told_how_to_get_one(photo, optimised, monkeypatch):
    monkeypatch.setattr("vst.styles.painting_style.cached_loss_network", lambda: None)
    with pytest.raises(WeightsError, match="'vst weights fetch vgg19', or give a folder"):
        render(photo, optimised(loss_network=None))


def test_a_styles_painting_is_found_in_the_folder_of_paintings(
    photo, optimised, painting, monkeypatch, tmp_path
):
    monkeypatch.setattr("vst.styles.painting_style.user_data_folder", lambda: tmp_path / "data")
    folder = tmp_path / "data" / "paintings"
    folder.mkdir(parents=True)
    (folder / "red.png").write_bytes(painting.read_bytes())
    named = render(photo, optimised(style="red"), tmp_path / "a.png")
    given = render(photo, optimised(), tmp_path / "b.png")
    pixels = [np.array(Image.open(each.output)) for each in (named, given)]
    assert np.array_equal(*pixels)


def test_a_network_that_has_not_learned_a_picture_says_what_to_do(painting, tiny_weights):
    with pytest.raises(UsageError, match=r"^no network of mode itn has learned .*: pass --mode g"):
        resolve_style(str(painting), "itn", weights_dir=tiny_weights)


def test_a_batch_renders_again_when_the_painting_was_replaced(photo, optimised, painting, tmp_path):
    folder, output = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    (folder / photo.name).write_bytes(photo.read_bytes())
    states = [run(folder, output, optimised(overwrite=True))[0].state for _ in range(2)]
    Image.fromarray(np.full((50, 50, 3), 99, np.uint8)).save(painting)
    states += [run(folder, output, optimised(overwrite=True))[0].state]
    assert states == [FileState.DONE, FileState.SKIPPED, FileState.DONE]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.1, "1 second"), (42, "42 seconds"), (100, "1.7 minutes"), (600, "10 minutes"), (9000, "2.5 hours")],
)
def test_an_estimate_is_as_exact_as_it_can_be(seconds, words):
    assert duration(seconds) == words


def test_seconds_become_steps_when_a_job_is_planned(clip, optimised, painting, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(vst.pipeline.job, "MAX_SEGMENT_FRAMES", 3)
    monkeypatch.setattr("vst.batch.farm.planning.MAX_SEGMENT_FRAMES", 3)
    settings = optimised(seconds=2.0, style=painting.name)
    planned = plan("clip.mkv", settings, tmp_path / "job.json", output=tmp_path / "out.mkv")
    monkeypatch.chdir("/")
    monkeypatch.setattr(OptimisingStylizer, "seconds_a_step", lambda self, width, height: 0.1)
    job = read_job(tmp_path / "job.json")
    assert (job.settings.seconds, job.settings.steps) == (None, 2)
    assert len(job.segments) == len(planned.segments) > 1
    with SegmentRenderer(job) as renderer:
        for index in range(len(job.segments)):
            renderer.render(index)
    joined = join(job)
    whole = render(clip, optimised(steps=2), tmp_path / "whole.mkv")
    assert joined.output.read_bytes() == whole.output.read_bytes()


def test_a_job_has_no_preview(clip, optimised, tmp_path):
    with pytest.raises(UsageError, match="leave --preview out"):
        plan(clip, optimised(preview=tmp_path / "look.png"), tmp_path / "job.json")


@pytest.fixture
def white(tmp_path):
    """Writes a mask that is white in a part of a picture of 48×64."""

    def make(name: str, rows: slice = slice(None), columns: slice = slice(None)) -> Path:
        mask = np.zeros((48, 64), np.uint8)
        mask[rows, columns] = 255
        Image.fromarray(mask).save(tmp_path / name)
        return tmp_path / name

    return make


def pixels_of(report) -> np.ndarray:
    return np.array(Image.open(report.output)).astype(int)


@pytest.mark.parametrize("mode", ["gatys", "mrf"])
def test_regions_are_optimised_with_paintings_of_their_own(
    photo, optimised, painting, white, tmp_path, mode
):
    sky, ground = white("sky.png", slice(0, 24)), white("ground.png", slice(24, 48))
    masked = f"{painting}@{white('part.png', columns=slice(0, 40))}"
    options = {"style": str(painting), "steps": 2, "follow_light": False}
    regions = [f"{sky}={masked}", f"{ground}=none"]
    mixed = pixels_of(render(photo, optimised(mode=mode, regions=regions, **options), tmp_path / "a.png"))
    assert np.array_equal(mixed[24:], np.array(Image.open(photo)).astype(int)[24:])
    everywhere = [f"{white('all.png')}={masked}"]
    alone, own = (
        pixels_of(render(photo, optimised(mode=mode, **given, **options), tmp_path / f"{number}.png"))
        for number, given in enumerate(({"regions": everywhere}, {}))
    )
    options["style"] = masked
    assert np.array_equal(
        alone, pixels_of(render(photo, optimised(mode=mode, **options), tmp_path / "b.png"))
    )
    assert not np.array_equal(alone, own)


def test_a_masked_painting_is_a_part_of_what_resume_compares(clip, optimised, painting, white, tmp_path):
    mask = white("part.png", columns=slice(0, 40))
    settings = optimised(style=f"{painting}@{mask}", codec="ffv1")
    report = render(clip, settings, tmp_path / "out.mkv")
    text = probe(report.output).provenance
    assert "style stripes.png@part.png; paintings stripes.png@part.png sha256:" in text
    assert str(tmp_path) not in text
    assert mask in vst.pipeline.plan.plan_render(clip, settings, tmp_path / "o.mkv").weight_files


def test_ruder_takes_one_style_for_all_regions(clip, optimised, painting, white, tmp_path):
    regions = [f"{white('a.png', slice(0, 24))}={painting}:0.5+{white('b.png')}:0.5"]
    with pytest.raises(UsageError, match="mode ruder stylizes all regions alike: give --style"):
        render(clip, optimised(mode="ruder", regions=regions), tmp_path / "out.mkv")


def test_a_batch_renders_again_when_a_region_s_mask_of_a_painting_changed(
    photo, optimised, painting, white, tmp_path
):
    folder, output = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    (folder / photo.name).write_bytes(photo.read_bytes())
    region, mask = white("region.png", slice(0, 24)), white("part.png", columns=slice(0, 40))
    settings = optimised(overwrite=True, regions=[f"{region}={painting}@{mask}"], steps=1)
    states = [run(folder, output, settings)[0].state for _ in range(2)]
    white("part.png", columns=slice(20, 64))
    states += [run(folder, output, settings)[0].state]
    assert states == [FileState.DONE, FileState.SKIPPED, FileState.DONE]


def test_regions_are_propagated_from_keyframes(clip, optimised, painting, white, images, tmp_path):
    sky, part = white("sky.png", slice(0, 24)), white("part.png", columns=slice(0, 40))
    options = {
        "style": str(painting),
        "regions": [f"{sky}={painting}@{part}"],
        "codec": "ffv1",
        "follow_light": False,
    }
    propagated, alone = (
        images(render(clip, optimised(**options, **more), tmp_path / name).output)
        for name, more in (
            ("propagated.mkv", {"keyframe_interval": 5}),
            ("alone.mkv", {"steadiness": 0.0}),
        )
    )
    assert len(propagated) == len(alone) == 6
    assert torch.equal(propagated[0], alone[0])
