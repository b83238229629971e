"""Renders from file to file: properties that are kept, stylized frames, and refused input."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
import torch
from clips import Sound, make_clip, packets, pattern
from PIL import Image

from vst.errors import MediaError, UsageError, VstError
from vst.media import Reader
from vst.media.probe import probe
from vst.modes.registry import BUILT_IN
from vst.pipeline import render

UNEVEN = [Fraction(n, 25) for n in (0, 1, 3, 4, 10, 11, 12, 20, 21, 22)]


def times(path: Path) -> list[tuple[Fraction, Fraction]]:
    with Reader(path) as reader:
        return [(frame.time, frame.duration) for frame in reader]


def planes(path: Path) -> list[list[np.ndarray]]:
    """The decoded planes of every frame, without row padding."""
    with av.open(str(path)) as container:
        return [
            [
                np.frombuffer(p, np.uint8).reshape(p.height, -1)[:, : p.width].astype(int)
                for p in frame.planes
            ]
            for frame in container.decode(video=0)
        ]


def shot(number: int, frames: int) -> list[np.ndarray]:
    """A smooth random texture that moves by a pixel a frame; texture and colour depend on the number."""
    colour = np.array([(230, 60, 20), (10, 90, 200)][number])
    coarse = np.random.default_rng(number).random((12, 24)).astype(np.float32)
    texture = cv2.resize(coarse, (96, 48), interpolation=cv2.INTER_CUBIC).clip(0, 1)[..., None]
    return [(texture[:, k : k + 64] * 0.7 + 0.3) * colour for k in range(frames)]


def as_bytes(pictures: list[np.ndarray]) -> list[np.ndarray]:
    return [picture.round().astype(np.uint8) for picture in pictures]


@pytest.mark.parametrize("timestamps", [None, UNEVEN], ids=["even", "uneven"])
def test_a_render_keeps_the_frame_count_the_timestamps_and_the_sound(tmp_path, settings, timestamps):
    clip = make_clip(
        tmp_path / "clip.mp4",
        frames=10,
        times=timestamps,
        sound=[Sound(start=Fraction(1, 8))],
        width=64,
        height=48,
    )
    report = render(clip, settings())
    assert report.output == tmp_path / "clip.red.mp4"
    assert (report.source, report.frames, report.shots) == (clip, 10, 1)
    assert times(report.output) == times(clip)
    assert packets(report.output, "audio") == packets(clip, "audio")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["clip.mp4", "clip.red.mp4"]


def test_stylized_frames_differ_from_the_clip_and_between_styles(tmp_path, settings, images):
    clip = make_clip(tmp_path / "clip.mkv", frames=2)
    outputs = [
        images(render(clip, settings(style=style, mode="itn", codec="ffv1")).output)
        for style in ("red", "blue", "red+blue")
    ]
    for number, stylized in enumerate(outputs):
        for other in (images(clip), *outputs[:number]):
            assert (stylized - other).abs().mean() > 0.02


def test_a_still_gives_a_still_with_the_same_alpha(tmp_path, settings):
    alpha = np.tile(np.arange(0, 240, 6, dtype=np.uint8), (30, 1))
    colours = (pattern(40, 30, 1).transpose(1, 2, 0) * 255).astype(np.uint8)
    photo = tmp_path / "photo.png"
    Image.fromarray(np.dstack([colours, alpha])).save(photo)
    report = render(photo, settings(mode="itn"))
    assert (report.output, report.frames) == (tmp_path / "photo.red.png", 1)
    stylized = np.asarray(Image.open(report.output))
    assert stylized.shape == (30, 40, 4)
    assert np.array_equal(stylized[..., 3], alpha)
    assert np.abs(stylized[..., :3].astype(int) - colours).mean() > 5


def test_dropped_alpha_is_noted(tmp_path, settings):
    photo = tmp_path / "photo.png"
    Image.new("RGBA", (20, 20), (200, 30, 30, 90)).save(photo)
    report = render(photo, settings(mode="itn"), tmp_path / "photo.jpg")
    assert any("alpha is dropped" in note for note in report.notes)


def test_a_still_as_the_output_of_a_clip_is_refused(tmp_path, settings):
    clip = make_clip(tmp_path / "clip.mp4", frames=3)
    with pytest.raises(UsageError, match=r"frame.png is a picture, but the clip has several frames"):
        render(clip, settings(mode="itn"), tmp_path / "frame.png")
    assert [each.name for each in tmp_path.iterdir()] == ["clip.mp4"]


def test_an_existing_output_is_kept_unless_overwrite_is_given(tmp_path, settings):
    clip = make_clip(tmp_path / "clip.mp4", frames=2)
    output = tmp_path / "clip.red.mp4"
    output.write_bytes(b"an earlier file")
    with pytest.raises(MediaError, match="exists already"):
        render(clip, settings(mode="itn"))
    assert output.read_bytes() == b"an earlier file"
    assert sorted(each.name for each in tmp_path.iterdir()) == ["clip.mp4", "clip.red.mp4"]
    render(clip, settings(mode="itn", overwrite=True))
    assert len(times(output)) == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"style": "rde"}, "did you mean 'red'"),
        ({"mode": "vtm"}, "did you mean 'vtn'"),
        ({"flow": "dsi"}, "did you mean 'dis'"),
        ({"codec": "prores"}, "prores is not supported in .mp4"),
        ({"crf": 99}, "--crf 99 is out of range"),
    ],
)
def test_invalid_options_are_refused_and_leave_no_files(tmp_path, settings, options, message):
    clip = make_clip(tmp_path / "clip.mp4", frames=2)
    with pytest.raises(UsageError) as refused:
        render(clip, settings(**options))
    assert message in str(refused.value).replace('"', "'")
    assert [each.name for each in tmp_path.iterdir()] == ["clip.mp4"]


def test_the_same_settings_give_the_same_frames(tmp_path, settings):
    clip = make_clip(tmp_path / "clip.mp4", frames=8, width=64, height=48)
    for codec in ("ffv1", "h264"):
        first, second = (
            render(clip, settings(codec=codec), tmp_path / f"{codec}{n}.mkv").output for n in (1, 2)
        )
        assert packets(first, "video") == packets(second, "video"), codec


@pytest.mark.parametrize("mode", BUILT_IN)
def test_temporal_state_starts_anew_at_a_cut(exact_clip, settings, images, mode):
    first, second = as_bytes(shot(0, 7)), as_bytes(shot(1, 7))
    whole = exact_clip("whole.mkv", first + second)
    alone = exact_clip("alone.mkv", second)
    late = exact_clip("late.mkv", second[1:])
    options = {"mode": mode, "codec": "ffv1"}
    both, apart = render(whole, settings(**options)), render(alone, settings(**options))
    assert (both.shots, apart.shots) == (2, 1)
    stylized = images(apart.output)
    assert torch.equal(images(both.output)[7:], stylized)
    # Within a shot the frames of modes with temporal state depend on earlier frames, and only those.
    depends_on_earlier_frames = not torch.equal(
        images(render(late, settings(**options)).output), stylized[1:]
    )
    assert depends_on_earlier_frames is (mode in ("vtn", "lstm"))


@pytest.mark.parametrize("full_range", [False, True], ids=["limited", "full"])
@pytest.mark.parametrize("matrix", [6, 1], ids=["bt601", "bt709"])
def test_strength_0_into_a_lossless_codec_returns_the_input(tmp_path, settings, matrix, full_range):
    clip = make_clip(
        tmp_path / "clip.mkv",
        frames=3,
        width=64,
        height=48,
        codec="ffv1",
        colour=(matrix, matrix, matrix),
        full_range=full_range,
    )
    report = render(clip, settings(strength=0, codec="ffv1"))
    assert report.output.suffix == ".mkv"
    before, after = probe(clip), probe(report.output)
    assert (after.pix_fmt, after.colour) == (before.pix_fmt, before.colour)
    assert before.colour.full_range is full_range
    differences = [
        np.abs(a - b).max()
        for x, y in zip(planes(clip), planes(report.output), strict=True)
        for a, b in zip(x, y, strict=True)
    ]
    assert len(differences) == 9
    assert max(differences) <= 1


def test_strength_blends_the_clip_and_the_stylized_frame(exact_clip, settings, images, tmp_path):
    clip = exact_clip("clip.mkv", as_bytes(shot(0, 2)))
    options = {"mode": "itn", "codec": "ffv1"}
    half, full = (
        images(render(clip, settings(strength=s, **options), tmp_path / f"{s}.mkv").output)
        for s in (0.5, 1)
    )
    torch.testing.assert_close(half, (images(clip) + full) / 2, atol=1.01 / 255, rtol=0)


def test_keep_color_leaves_a_grey_clip_grey(exact_clip, settings, images, tmp_path):
    grey = [np.repeat(picture[..., :1], 3, 2) for picture in as_bytes(shot(0, 3))]
    clip = exact_clip("clip.mkv", grey)
    options = {"mode": "itn", "codec": "ffv1"}
    kept = images(render(clip, settings(keep_color=True, **options), tmp_path / "kept.mkv").output)
    free = images(render(clip, settings(**options), tmp_path / "free.mkv").output)

    def colourfulness(frames: torch.Tensor) -> torch.Tensor:
        return (frames.amax(1) - frames.amin(1)).max()

    assert colourfulness(kept) <= 1.01 / 255 < 0.05 < colourfulness(free)
    assert kept.std() > 0.02


@pytest.mark.parametrize(
    ("size", "options", "expected"),
    [
        ((64, 48), {"scale": 0.5}, (32, 24)),
        ((64, 48), {"size": 36}, (48, 36)),
        ((64, 48), {"scale": 1.5}, (96, 72)),
        ((47, 33), {}, (47, 33)),
        ((10, 6), {}, (10, 6)),
        ((48, 3), {}, (48, 3)),
    ],
)
def test_any_input_size_gives_the_requested_output_size(tmp_path, settings, size, options, expected):
    width, height = size
    clip = make_clip(
        tmp_path / "clip.mkv", frames=4, width=width, height=height, codec="ffv1", pix_fmt="yuv444p"
    )
    report = render(clip, settings(**options))
    info = probe(report.output)
    assert (info.width, info.height) == expected
    assert len(times(report.output)) == 4


def test_progress_counts_every_frame_and_names_the_limiting_stage(tmp_path, settings):
    clip = make_clip(tmp_path / "clip.mp4", frames=5)
    reports = []
    render(clip, settings(mode="itn"), progress=reports.append)
    assert [each.frame for each in reports] == [1, 2, 3, 4, 5]
    assert {each.frames for each in reports} == {5}
    assert reports[-1].eta == 0
    assert all(each.fps > 0 for each in reports)
    assert {each.stage for each in reports} <= {"decode", "motion", "stylize", "encode"}


def test_the_report_names_the_device_and_precision_that_auto_chose(tmp_path, settings):
    clip = make_clip(tmp_path / "clip.mp4", frames=2)
    chosen = render(clip, settings(mode="itn", precision="auto"), tmp_path / "a.mp4")
    given = render(clip, settings(mode="itn"), tmp_path / "b.mp4")
    precisions = Counter(
        note.rpartition(" ")[2] for note in chosen.notes if note.startswith("stylized on cpu in")
    )
    assert precisions.total() == 1
    assert set(precisions) <= {"fp32", "bf16"}
    assert not any(note.startswith("stylized") for note in given.notes)


def test_a_render_restores_the_number_of_threads(tmp_path, settings):
    clip = make_clip(tmp_path / "clip.mp4", frames=2)
    before = torch.get_num_threads(), cv2.getNumThreads()
    seen = set()
    other = max(before) + 1
    render(
        clip,
        settings(mode="itn", threads=other),
        progress=lambda each: seen.update((torch.get_num_threads(), cv2.getNumThreads())),
    )
    assert seen == {other}
    assert (torch.get_num_threads(), cv2.getNumThreads()) == before


def test_a_file_that_is_not_a_clip_is_an_error_that_names_it(tmp_path, settings):
    path = tmp_path / "notes.mp4"
    path.write_text("not a clip")
    for source in (path, tmp_path / "missing.mp4"):
        with pytest.raises(VstError, match=source.name):
            render(source, settings())
    assert [each.name for each in tmp_path.iterdir()] == ["notes.mp4"]
