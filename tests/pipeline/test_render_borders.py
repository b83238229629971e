"""Borders stay as they are, and the picture inside is that of the cropped clip."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import astuple
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import torch
from clips import yuv_frame
from PIL import Image

import vst
import vst.pipeline.job
from tests.pipeline.scenes import CUTS, scenes
from tests.stylizers import Copy
from vst.borders import Borders
from vst.errors import Interrupted
from vst.frame import Frame
from vst.media import Reader
from vst.motion.files.flo import write_flo
from vst.pipeline import FlowSettings, follow_motion, render
from vst.pipeline.session import StylizerSession

LETTERBOX, PILLARBOX, WINDOWBOX = Borders(12, 8), Borders(0, 0, 10, 14), Borders(6, 10, 8, 12)


def framed(pictures: list[np.ndarray], borders: Borders, colour: int = 0) -> list[np.ndarray]:
    widths = ((borders.top, borders.bottom), (borders.left, borders.right), (0, 0))
    return [np.pad(each, widths, constant_values=colour) for each in pictures]


def outside(frames: torch.Tensor, borders: Borders) -> torch.Tensor:
    """The frames without the picture."""
    frames = frames.clone()
    borders.inside(frames).zero_()
    return frames


@pytest.fixture
def rendered(settings, images, tmp_path) -> Callable[..., torch.Tensor]:
    """Renders a clip losslessly; returns its frames."""

    def run(clip: Path, **options: object) -> torch.Tensor:
        output = tmp_path / f"{clip.stem}-{len(list(tmp_path.iterdir()))}.mkv"
        return images(render(clip, settings(codec="ffv1", **options), output).output)

    return run


@pytest.mark.parametrize("mode", ["itn", "vtn", "lstm", "reconet"])
@pytest.mark.parametrize("borders", [LETTERBOX, PILLARBOX, WINDOWBOX], ids=["letter", "pillar", "window"])
def test_the_picture_inside_is_that_of_the_cropped_clip(exact_clip, rendered, images, mode, borders):
    clip = exact_clip("framed.mkv", framed(scenes(14), borders))
    whole = rendered(clip, mode=mode)
    alone = rendered(exact_clip("cropped.mkv", scenes(14)), mode=mode)
    assert torch.equal(borders.inside(whole), alone)
    assert torch.equal(outside(whole, borders), outside(images(clip), borders))


@pytest.mark.parametrize(
    "options",
    [
        {"strength": 0.6, "keep_color": True},
        {"style_scale": 8.0},
        {"style_scale": 6.0, "mode": "vtn"},
        {"scale": 0.5},
        {"scale": 1.5, "mode": "vtn"},
        {"tile": 64},
    ],
    ids=str,
)
def test_options_act_on_the_picture_inside(exact_clip, rendered, options):
    options = {"mode": "itn", **options}
    whole = rendered(exact_clip("framed.mkv", framed(scenes(13), WINDOWBOX)), **options)
    alone = rendered(exact_clip("cropped.mkv", scenes(13)), **options)
    scale = options.get("scale", 1)
    assert torch.equal(WINDOWBOX.scaled((2, 2), (round(2 * scale), round(2 * scale))).inside(whole), alone)


def test_bars_of_a_scaled_clip_contain_nothing_of_the_picture(exact_clip, rendered):
    whole = rendered(exact_clip("framed.mkv", framed(scenes(3), LETTERBOX, 60)), mode="itn", scale=0.75)
    assert torch.equal(whole[:, :, :9], torch.full_like(whole[:, :, :9], 60 / 255))
    assert torch.equal(whole[:, :, -6:], torch.full_like(whole[:, :, -6:], 60 / 255))


def test_without_the_option_borders_are_stylized(exact_clip, rendered):
    clip = exact_clip("framed.mkv", framed(scenes(2), LETTERBOX))
    assert rendered(clip, mode="itn", keep_borders=False)[:, :, :12].mean() > 0.02


@pytest.mark.parametrize("mode", ["itn", "vtn"])
def test_frames_without_borders_do_not_depend_on_the_option(exact_clip, rendered, mode):
    clip = exact_clip("clip.mkv", scenes(13))
    assert torch.equal(rendered(clip, mode=mode), rendered(clip, mode=mode, keep_borders=False))


def test_cuts_are_found_inside_the_borders(exact_clip, settings, tmp_path):
    clip = exact_clip("framed.mkv", framed(scenes(), Borders(40, 40)))
    assert render(clip, settings(mode="itn"), tmp_path / "out.mkv").shots == len(CUTS)


def developing(count: int, until: int) -> list[np.ndarray]:
    """One shot with bars before frame `until`, and picture there from it on."""
    pictures = [np.pad(each, ((16, 16), (0, 0), (0, 0)), mode="symmetric") for each in scenes(count)]
    for each in pictures[:until]:
        each[:16] = each[-16:] = 0
    return pictures


@pytest.mark.parametrize("mode", ["itn", "vtn", "lstm"])
def test_borders_that_turn_out_to_hold_picture_are_given_up_for_the_rest_of_the_shot(
    exact_clip, rendered, mode
):
    pictures = developing(9, 4)
    pictures[7] = developing(9, 9)[7]  # they come back for a frame
    whole = rendered(exact_clip("framed.mkv", pictures), mode=mode)
    before = rendered(exact_clip("before.mkv", [each[16:-16] for each in pictures[:4]]), mode=mode)
    after = rendered(exact_clip("after.mkv", pictures[4:]), mode=mode, keep_borders=False)
    assert torch.equal(whole[:4, :, 16:-16], before)
    assert not whole[:4, :, :16].any()
    assert torch.equal(whole[4:], after)


def test_borders_that_appear_within_a_shot_are_stylized(exact_clip, rendered):
    clip = exact_clip("clip.mkv", developing(4, 0) + developing(9, 9)[4:])
    assert torch.equal(rendered(clip, mode="vtn"), rendered(clip, mode="vtn", keep_borders=False))


def test_borders_of_a_clip_that_begins_black_are_found_when_it_shows_something(exact_clip, rendered):
    pictures = framed(scenes(6), LETTERBOX)
    faded = [np.zeros_like(pictures[0])] * 2 + [
        (each * (n / 5)).round().astype(np.uint8) for n, each in enumerate(pictures)
    ]
    whole = rendered(exact_clip("faded.mkv", faded), mode="vtn")
    assert not outside(whole[4:], LETTERBOX).any()


def test_text_in_a_bar_stays(exact_clip, rendered, images):
    pictures = framed(scenes(5), Borders(24, 40))
    for each in pictures[2:]:
        each[90:104, 20:44:3] = 240
    clip = exact_clip("text.mkv", pictures)
    whole = rendered(clip, mode="itn")
    assert torch.equal(outside(whole, Borders(24, 40)), outside(images(clip), Borders(24, 40)))


def shots_of_several_kinds() -> list[np.ndarray]:
    """Three shots: borders given up at frame 5, none, and borders throughout."""
    pictures = developing(26, 5)
    for each in pictures[CUTS[2] :]:
        each[:16] = each[-16:] = 0
    return pictures


@pytest.mark.parametrize("mode", ["itn", "vtn"])
@pytest.mark.parametrize("start", [3, 5, 7, 15, 23])
def test_a_frame_range_has_the_borders_of_the_whole_render(exact_clip, rendered, mode, start):
    clip = exact_clip("clip.mkv", shots_of_several_kinds())
    whole = rendered(clip, mode=mode)
    assert torch.equal(rendered(clip, mode=mode, start=f"{start}f", frames=3), whole[start : start + 3])


def long_shot(bars: slice) -> list[np.ndarray]:
    """One shot of 32 frames with bars in some of them."""
    wide = np.tile(np.pad(scenes(1)[0], ((16, 16), (0, 0), (0, 0)), mode="symmetric"), (1, 2, 1))
    pictures = [wide[:, n : n + 64].copy() for n in range(32)]
    for each in pictures[bars]:
        each[:16] = each[-16:] = 0
    return pictures


@pytest.mark.parametrize("mode", ["itn", "vtn"])
@pytest.mark.parametrize(
    "bars", [slice(4, None), slice(0, 20)], ids=["ignored since they appeared late", "given up at frame 20"]
)
def test_a_resumed_render_does_not_decide_borders_again(
    exact_clip, settings, images, tmp_path, monkeypatch, mode, bars
):
    monkeypatch.setattr(vst.pipeline.job, "MAX_SEGMENT_FRAMES", 12)
    clip = exact_clip("clip.mkv", long_shot(bars))
    chosen = settings(mode=mode, codec="ffv1", flow="dis")
    whole = render(clip, chosen, tmp_path / "whole.mkv")
    assert whole.shots == 1
    stop, output = threading.Event(), tmp_path / "again.mkv"
    with pytest.raises(Interrupted):
        render(
            clip,
            chosen,
            output,
            progress=lambda each: stop.set() if each.frame == 24 else None,
            stop=stop,
        )
    assert render(clip, chosen, output).resumed == 24
    assert torch.equal(images(output), images(whole.output))


@pytest.mark.parametrize("mode", ["itn", "vtn", "lstm"])
@pytest.mark.parametrize("stop_at", [4, 8, 23])
def test_a_resumed_render_has_the_borders_of_an_uninterrupted_one(
    exact_clip, settings, tmp_path, monkeypatch, mode, stop_at
):
    monkeypatch.setattr(vst.pipeline.job, "MAX_SEGMENT_FRAMES", 4)
    clip = exact_clip("clip.mkv", shots_of_several_kinds())
    whole = render(clip, settings(mode=mode, codec="ffv1"), tmp_path / "whole.mkv")
    stop, output = threading.Event(), tmp_path / "again.mkv"
    with pytest.raises(Interrupted):
        render(
            clip,
            settings(mode=mode, codec="ffv1"),
            output,
            progress=lambda each: stop.set() if each.frame == stop_at else None,
            stop=stop,
        )
    kept = {4: 4, 8: 8, 23: 20}[stop_at]
    assert render(clip, settings(mode=mode, codec="ffv1"), output).resumed == kept
    with av.open(str(whole.output)) as one, av.open(str(output)) as other:
        packets = [[bytes(packet) for packet in each.demux(video=0)] for each in (one, other)]
    assert packets[0] == packets[1]


def test_recorded_flow_is_that_of_the_picture_inside(exact_clip, rendered, tmp_path):
    generator = torch.Generator().manual_seed(0)
    for number in range(1, 6):
        flow = torch.zeros(2, 64, 84)
        WINDOWBOX.inside(flow).copy_(torch.randn(2, 48, 64, generator=generator) * 0.3 + 2.0)
        for folder, field in (("framed", flow), ("cropped", WINDOWBOX.inside(flow))):
            for kind, signed in (("forward", -field), ("backward", field)):
                path = tmp_path / folder / kind / f"{number + (kind == 'backward'):06}.flo"
                path.parent.mkdir(parents=True, exist_ok=True)
                write_flo(path, signed)
    clips = {"framed": framed(scenes(6), WINDOWBOX), "cropped": scenes(6)}
    whole, alone = (
        rendered(exact_clip(f"{name}.mkv", pictures), mode="vtn", flow=f"file:{tmp_path / name}")
        for name, pictures in clips.items()
    )
    assert torch.equal(WINDOWBOX.inside(whole), alone)


@pytest.mark.parametrize("form", ["flo", "png"])
def test_flow_that_was_recorded_with_the_borders_is_used_inside(
    exact_clip, rendered, images, tmp_path, form
):
    clip = exact_clip("framed.mkv", framed(scenes(14), WINDOWBOX))
    follow_motion(clip, FlowSettings(flow="dis", form=form, device="cpu"), folder=tmp_path / "flow")
    whole = rendered(clip, mode="vtn", flow=f"file:{tmp_path / 'flow'}")
    assert torch.equal(outside(whole, WINDOWBOX), outside(images(clip), WINDOWBOX))


@pytest.mark.parametrize("borders", [Borders(12, 8), Borders(11, 9), Borders(0, 0, 9, 13)], ids=str)
def test_bars_of_a_subsampled_clip_stay_bit_for_bit(settings, tmp_path, borders):
    # Where bars end within a chroma sample, the line that is black and coloured is picture.
    clip = tmp_path / "clip.mkv"
    with av.open(str(clip), "w") as out:
        stream = out.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 68, "yuv420p"
        for number in range(3):
            frame = yuv_frame(64, 68, number, top=200)
            for plane, black in zip(frame.planes, (16, 128, 128), strict=True):
                samples = np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, -1)
                mask = np.ones((plane.height, plane.width), bool)
                step = 68 // plane.height
                rows = slice(borders.top // step, plane.height - borders.bottom // step)
                mask[rows, borders.left // step : plane.width - borders.right // step] = False
                samples[:, : plane.width][mask] = black
            frame.pts, frame.time_base = number, Fraction(1, 25)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    output = render(clip, settings(mode="itn", codec="ffv1"), tmp_path / "out.mkv").output
    with av.open(str(clip)) as one, av.open(str(output)) as other:
        for before, after in zip(one.decode(video=0), other.decode(video=0), strict=True):
            assert after.format.name == "yuv420p"
            for index, step in enumerate((1, 2, 2)):
                a, b = (
                    np.frombuffer(memoryview(each.planes[index]), np.uint8).reshape(68 // step, -1)
                    for each in (before, after)
                )
                same = a[:, : 64 // step] == b[:, : 64 // step]
                top, bottom, left, right = (each // 2 * 2 // step for each in astuple(borders))
                rows, columns = slice(top, 68 // step - bottom), slice(left, 64 // step - right)
                assert not same[rows, columns].all()
                same[rows, columns] = True
                assert same.all()


def test_alpha_is_that_of_the_clip(settings, images, tmp_path):
    pixels = np.dstack([framed(scenes(1), LETTERBOX)[0], np.full((68, 64), 255, np.uint8)])
    pixels[20:40, 10:30, 3] = 90
    Image.fromarray(pixels, "RGBA").save(tmp_path / "in.png")
    output = render(tmp_path / "in.png", settings(mode="itn"), tmp_path / "out.png").output
    written = np.asarray(Image.open(output))
    assert (written[..., 3] == pixels[..., 3]).all()
    assert not written[:12, :, :3].any()
    assert (written[12:60, :, :3] != pixels[12:60, :, :3]).any()


def test_a_rotated_clip_keeps_its_bars(settings, images, tmp_path):
    clip = tmp_path / "clip.mp4"
    with av.open(str(clip), "w") as out:
        stream = out.add_stream("libx264", rate=25, options={"qp": "0"})
        stream.width, stream.height, stream.pix_fmt = 64, 68, "yuv444p"
        stream.set_display_rotation(90)
        for number, picture in enumerate(framed(scenes(2), LETTERBOX)):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, 25)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    report = render(clip, settings(mode="itn", codec="ffv1"), tmp_path / "out.mkv")
    assert any("borders kept from frame 0f" in note for note in report.notes)
    with Reader(report.output) as reader, Reader(clip) as source:
        for written, given in zip(reader, source, strict=True):
            bars = (written.image - given.image).abs().amax(0)
            thick = bars[:, :8] if written.image.shape[-1] > written.image.shape[-2] else bars[:8]
            assert thick.max() < 1 / 255


def test_a_still_keeps_its_borders(tiny_weights):
    image = torch.from_numpy(framed(scenes(1), WINDOWBOX, 255)[0]).permute(2, 0, 1) / 255
    options = {"weights_dir": tiny_weights, "device": "cpu", "precision": "fp32"}
    stylized = vst.stylize(image, "red", **options)
    alone = vst.stylize(WINDOWBOX.inside(image), "red", **options)
    assert torch.equal(WINDOWBOX.inside(stylized), alone)
    assert torch.equal(outside(stylized[None], WINDOWBOX), outside(image[None], WINDOWBOX))
    assert not torch.equal(vst.stylize(image, "red", keep_borders=False, **options), stylized)


def test_the_report_names_the_borders_and_the_option(exact_clip, settings, tmp_path):
    clip = exact_clip("framed.mkv", framed(scenes(3), LETTERBOX))
    notes = render(clip, settings(mode="itn"), tmp_path / "out.mkv").notes
    (note,) = [each for each in notes if "borders" in each]
    assert "12 above, 8 below" in note
    assert "--no-keep-borders" in note
    clip = exact_clip("clip.mkv", scenes(3))
    assert not any("borders" in each for each in render(clip, settings(), tmp_path / "2.mkv").notes)


def test_motion_that_is_read_again_starts_where_the_borders_changed():
    frames = [
        Frame(n, Fraction(n), Fraction(1), torch.from_numpy(each).permute(2, 0, 1) / 255)
        for n, each in enumerate(long_shot(slice(0, 20)))
    ]
    first = StylizerSession(Copy(), keep_borders=True)
    list(first.stylized(first.prepare(map(first.reduce, frames[:24]))))
    again = StylizerSession(Copy(), keep_borders=True)
    again.restore(first.snapshot())
    found = list(again.prepare(map(again.reduce, frames[6:])))
    assert [each.frame.index for each in found if each.frame.starts_anew] == [20]
    assert {each.frame.crop for each in found} == {None}
