"""Optical flow of a clip: recorded in a folder, shown as a video, and used by a render."""

from __future__ import annotations

import threading
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from clips import Sound, make_clip, packets
from PIL import Image

import vst.batch
import vst.pipeline.flow_export
from vst.errors import Interrupted, MediaError, UsageError
from vst.media import Reader
from vst.media.probe import probe
from vst.motion.files.flow_folder import read_flow_metadata
from vst.motion.view import FlowView
from vst.pipeline import render
from vst.pipeline.flow_export import FlowSettings, follow_motion

UNEVEN = [Fraction(n, 25) for n in (0, 1, 3, 4, 10, 11, 12, 20)]


def pictures(count: int, width: int = 96, height: int = 64) -> list[np.ndarray]:
    """A panning texture behind a moving disc, with a cut after two thirds of the frames."""
    textures = [
        cv2.resize(np.random.default_rng(seed).random((20, 30)), (width + 40, height)).clip(0, 1)
        for seed in (1, 2)
    ]
    y, x = np.mgrid[0:height, 0:width]
    made = []
    for t in range(count):
        late = t >= count * 2 // 3
        ground = textures[late][:, t : t + width, None] * ((200, 180, 60) if late else (60, 220, 230))
        disc = (x - 10 - 9 * t) ** 2 + (y - 30) ** 2 < 15**2
        made.append(np.where(disc[..., None], (250, 40, 40), ground).astype(np.uint8))
    return made


@pytest.fixture
def clip(exact_clip) -> Path:
    return exact_clip("clip.mkv", pictures(12))


def files_in(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


def test_a_render_from_flo_files_equals_a_render_with_the_estimator(tmp_path, clip, settings, images):
    direct = images(render(clip, settings(flow="dis", codec="ffv1"), tmp_path / "direct.mkv").output)
    flows = tmp_path / "flows"
    report = follow_motion(clip, FlowSettings(flow="dis", form="flo", device="cpu"), folder=flows)
    assert (report.frames, report.shots, report.width, report.height) == (12, 2, 96, 64)
    assert not read_flow_metadata(flows).further
    recorded = render(clip, settings(flow=f"file:{flows}", codec="ffv1"), tmp_path / "recorded.mkv")
    assert recorded.shots == 2
    assert torch.equal(images(recorded.output), direct)
    # A mode without motion gives other frames.
    still = images(render(clip, settings(flow="dis", codec="ffv1", mode="itn"), tmp_path / "i.mkv").output)
    assert (still - direct).abs().max() > 0.05


def test_a_render_from_16_bit_files_differs_slightly(tmp_path, clip, settings, images):
    given = {"codec": "ffv1", "keyframe_interval": 1}
    direct = images(render(clip, settings(flow="dis", **given), tmp_path / "direct.mkv").output)
    follow_motion(clip, FlowSettings(flow="dis", device="cpu"), folder=tmp_path / "flows")
    flow = f"file:{tmp_path / 'flows'}"
    recorded = render(clip, settings(flow=flow, **given), tmp_path / "recorded.mkv")
    # The second frame of each shot only: an untrained network amplifies differences from frame to frame.
    # A few pixels are trusted by one and not by the other.
    difference = (images(recorded.output) - direct).abs()[[1, 9]]
    assert 0 < difference.mean() <= 0.02
    assert (difference > 0.05).float().mean() <= 0.06


def test_recorded_flow_can_be_used_at_another_size(tmp_path, clip, settings, images):
    follow_motion(clip, FlowSettings(size=128, device="cpu"), folder=tmp_path / "flows")
    given = settings(flow=f"file:{tmp_path / 'flows'}", codec="ffv1", scale=0.5)
    assert images(render(clip, given).output).shape == (12, 3, 32, 48)


def test_a_damaged_flow_file_is_an_error_that_names_its_frame(tmp_path, clip, settings):
    follow_motion(clip, FlowSettings(device="cpu"), folder=tmp_path / "flows")
    (tmp_path / "flows/backward/000003.png").write_bytes(b"")
    with pytest.raises(MediaError, match=r"flow of frame 3 cannot be used: .*000003\.png is not a PNG"):
        render(clip, settings(flow=f"file:{tmp_path / 'flows'}"))
    assert files_in(tmp_path) == ["clip.mkv", "flows"]


def test_a_mode_without_motion_and_a_still_do_not_read_flow_files(tmp_path, clip, settings):
    (tmp_path / "flows").mkdir()
    render(clip, settings(mode="itn", flow=f"file:{tmp_path / 'flows'}"), tmp_path / "out.mkv")
    Image.new("RGB", (40, 30)).save(tmp_path / "photo.png")
    report = render(tmp_path / "photo.png", settings(flow=f"file:{tmp_path / 'flows'}"))
    assert report.frames == 1


def test_flow_of_another_clip_is_noted(tmp_path, clip, exact_clip, settings):
    follow_motion(clip, FlowSettings(distances=(1,), device="cpu"), folder=tmp_path / "flows")
    proxy = exact_clip("proxy.mkv", [picture[::2, ::2] for picture in pictures(12)])
    notes = render(proxy, settings(flow=f"file:{tmp_path / 'flows'}")).notes
    assert any("was made from clip.mkv, another file" in note for note in notes)


@pytest.mark.parametrize(
    ("show", "size"), [("all", (96, 64)), ("color", (48, 32)), ("arrows", (48, 32)), ("mask", (48, 32))]
)
def test_the_flow_video_keeps_frame_count_timestamps_and_sound(tmp_path, show, size):
    clip = make_clip(tmp_path / "clip.mp4", times=UNEVEN, sound=[Sound(start=Fraction(1, 8))])
    report = follow_motion(clip, FlowSettings(show=show, device="cpu"), view=tmp_path / "view.mp4")
    assert (report.folder, report.view, report.frames) == (None, tmp_path / "view.mp4", 8)
    info = probe(tmp_path / "view.mp4")
    assert (info.width, info.height) == size
    with Reader(clip) as source, Reader(tmp_path / "view.mp4") as view:
        assert [frame.time for frame in view] == [frame.time for frame in source]
    assert packets(tmp_path / "view.mp4", "audio") == packets(clip, "audio")
    assert files_in(tmp_path) == ["clip.mp4", "view.mp4"]


def test_flow_files_and_video_are_written_in_one_pass_and_files_can_be_shown_later(
    tmp_path, clip, monkeypatch
):
    drawn = []

    class View(FlowView):
        def draw(self, tracked):
            drawn.append(super().draw(tracked))
            return drawn[-1]

    monkeypatch.setattr(vst.pipeline.flow_export, "FlowView", View)
    settings = FlowSettings(flow="dis", form="flo", device="cpu")
    reports = []
    follow_motion(
        clip, settings, folder=tmp_path / "flows", view=tmp_path / "now.mkv", progress=reports.append
    )
    assert [each.frame for each in reports] == list(range(1, 13))
    later = FlowSettings(flow=f"file:{tmp_path / 'flows'}", device="cpu")
    report = follow_motion(clip, later, view=tmp_path / "later.mkv")
    assert report.estimator == f"file:{tmp_path / 'flows'}"
    assert torch.equal(torch.stack(drawn[:12]), torch.stack(drawn[12:]))
    assert files_in(tmp_path) == ["clip.mkv", "flows", "later.mkv", "now.mkv"]


def test_flow_is_estimated_at_the_working_size_of_a_render_unless_size_is_given(
    tmp_path, clip, monkeypatch
):
    monkeypatch.setattr("vst.pipeline.frame_size.STROKE_SIDE", 32)
    assert follow_motion(clip, FlowSettings(device="cpu"), folder=tmp_path / "a").height == 32
    report = follow_motion(clip, FlowSettings(size=40, device="cpu"), folder=tmp_path / "b")
    assert (report.width, report.height) == (60, 40)
    record = read_flow_metadata(tmp_path / "b")
    assert (record.width, record.height) == (60, 40)


def test_a_stopped_analysis_leaves_no_files(tmp_path, clip):
    stop = threading.Event()
    with pytest.raises(Interrupted, match="stopped after 3 frames"):
        follow_motion(
            clip,
            FlowSettings(device="cpu"),
            folder=tmp_path / "flows",
            view=tmp_path / "view.mp4",
            progress=lambda each: stop.set() if each.frame == 3 else None,
            stop=stop,
        )
    assert files_in(tmp_path) == ["clip.mkv"]


def test_existing_outputs_are_kept_unless_overwrite_is_given(tmp_path, clip):
    settings = FlowSettings(device="cpu")
    follow_motion(clip, settings, folder=tmp_path / "flows", view=tmp_path / "view.mp4")
    before = (tmp_path / "view.mp4").stat().st_mtime_ns
    with pytest.raises(MediaError, match="contains flow: pass -y"):
        follow_motion(clip, settings, folder=tmp_path / "flows")
    with pytest.raises(MediaError, match="exists already"):
        follow_motion(clip, settings, view=tmp_path / "view.mp4")
    assert (tmp_path / "view.mp4").stat().st_mtime_ns == before
    again = FlowSettings(overwrite=True, form="flo", device="cpu")
    follow_motion(clip, again, folder=tmp_path / "flows", view=tmp_path / "view.mp4")
    assert (tmp_path / "flows/backward/000002.flo").exists()
    assert not (tmp_path / "flows/backward/000002.png").exists()
    assert files_in(tmp_path) == ["clip.mkv", "flows", "view.mp4"]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({}, UsageError, "nothing to do"),
        ({"view": "v.png"}, UsageError, "takes a video such as v.mp4"),
        ({"view": "v.xyz"}, UsageError, "xyz"),
        ({"view": "none/v.mp4"}, MediaError, "does not exist"),
        ({"folder": "clip.mkv"}, MediaError, "is a file"),
        ({"folder": "f", "flow": "file:."}, UsageError, "is written already"),
        ({"view": "v.mp4", "flow": "diss"}, UsageError, "did you mean 'dis'"),
    ],
)
def test_invalid_options_are_refused_before_any_work(tmp_path, clip, monkeypatch, options, error, message):
    monkeypatch.chdir(tmp_path)
    settings = FlowSettings(flow=options.pop("flow", "dis"), device="cpu")
    with pytest.raises(error, match=message):
        follow_motion(clip, settings, **options)
    assert files_in(tmp_path) == ["clip.mkv"]


@pytest.mark.parametrize(
    "options",
    [
        {"form": "exr"},
        {"show": "colour"},
        {"distances": (2, 4)},
        {"distances": (1, 0)},
        {"distances": (1, 65)},
        {"size": 8},
        {"radius": 0.0},
        {"radius": float("nan")},
    ],
)
def test_invalid_settings_are_refused(options):
    with pytest.raises(UsageError):
        FlowSettings(**options)


def test_a_still_is_refused(tmp_path):
    Image.new("RGB", (40, 30)).save(tmp_path / "photo.png")
    with pytest.raises(MediaError, match=r"photo\.png is a picture; expected a clip"):
        follow_motion(tmp_path / "photo.png", FlowSettings(device="cpu"), folder=tmp_path / "flows")
    assert files_in(tmp_path) == ["photo.png"]


def test_a_batch_uses_the_flow_files_of_each_clip_and_notices_new_ones(tmp_path, exact_clip, settings):
    (tmp_path / "footage").mkdir()
    for name in ("one", "two"):
        made = exact_clip(f"{name}.mkv", pictures(6 if name == "one" else 9))
        made.rename(tmp_path / "footage" / made.name)
        follow_motion(
            tmp_path / "footage" / made.name, FlowSettings(device="cpu"), folder=tmp_path / "flows" / name
        )
    given = settings(flow=f"file:{tmp_path / 'flows'}")
    source, output = tmp_path / "footage", tmp_path / "out"
    states = [str(result.state) for result in vst.batch.run(source, output, given)]
    assert states == ["done", "done"]
    again = FlowSettings(flow="dis-fast", overwrite=True, device="cpu")
    follow_motion(source / "two.mkv", again, folder=tmp_path / "flows" / "two")
    results = vst.batch.run(source, output, settings(flow=given.flow, overwrite=True))
    assert [str(result.state) for result in results] == ["skipped", "done"]


def test_a_second_analysis_into_the_same_folder_is_refused(tmp_path, clip):
    refused = []
    settings = FlowSettings(distances=(1,), device="cpu", overwrite=True)

    def second(each):
        if each.frame == 2:
            with pytest.raises(MediaError, match="flows is being written by another analysis") as caught:
                follow_motion(clip, settings, folder=tmp_path / "new" / "flows")
            refused.append(caught.value)

    report = follow_motion(clip, settings, folder=tmp_path / "new" / "flows", progress=second)
    assert len(refused) == 1
    assert report.frames == 12
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["flows"]
