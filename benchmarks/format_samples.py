"""Generated clips in formats that are common in post-production and missing in test collections."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import OpenEXR
from PIL import Image

from tests.clips import Sound, make_clip, pattern
from vst.media import Encoding, Reader, open_writer

SIZE = (256, 144)
FFV1 = {"codec": "ffv1", "options": {"level": "3"}, "colour": (1, 1, 1), "full_range": False}


def _clip(path: Path, pix_fmt: str, **options: object) -> Path:
    top = {"10": 1023, "12": 4095, "16": 65535}.get(pix_fmt.rstrip("le")[-2:], 255)
    given = {"frames": 5, "width": SIZE[0], "height": SIZE[1], "pix_fmt": pix_fmt, "top": top, **options}
    return make_clip(path, **{**FFV1, **given})  # type: ignore[arg-type]


def _encoded(path: Path, pix_fmt: str, encoding: Encoding) -> Path:
    plain = _clip(path.with_name("plain.mkv"), pix_fmt)
    with Reader(plain) as reader, open_writer(path, reader.info, encoding) as writer:
        for frame in reader:
            writer.write(frame)
    plain.unlink()
    return path


def _interlaced(path: Path) -> Path:
    with av.open(str(path), "w") as out:
        stream = out.add_stream("mpeg2video", rate=25, options={"flags": "+ildct+ilme"})
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = 256, 144, "yuv420p"
        graph = av.filter.Graph()
        unit = Fraction(1, 25)
        source = graph.add_buffer(width=256, height=144, format=av.VideoFormat("yuv420p"), time_base=unit)
        mark, sink = graph.add("setfield", "mode=tff"), graph.add("buffersink")
        source.link_to(mark)
        mark.link_to(sink)
        graph.configure()
        for number in range(8):
            frame = av.VideoFrame(256, 144, "yuv420p")
            for plane, step in zip(frame.planes, (4, 0, 0), strict=True):
                rows = np.frombuffer(memoryview(plane), "u1").reshape(plane.height, -1)
                x = (
                    np.arange(rows.shape[1])[None]
                    - step * (2 * number + np.arange(plane.height) % 2)[:, None]
                )
                rows[:] = np.where(x // 32 % 2, 200, 50) if step else 128
            frame.pts, frame.time_base = number, unit
            graph.vpush(frame)
            out.mux(stream.encode(graph.vpull()))
        out.mux(stream.encode(None))
    return path


def _hdr(path: Path) -> Path:
    reader = Reader(_clip(path.with_name("plain.mkv"), "yuv420p10le", colour=(9, 9, 16)), hdr="keep")
    with reader, open_writer(path, reader.info, Encoding("h265")) as writer:
        for frame in reader:
            # Less saturated than the pattern, as camera footage is.
            grey = frame.image.mean(0, keepdim=True).clamp(0, 1).expand(3, -1, -1)
            writer.write(replace(frame, image=grey * 0.8 + frame.image.clamp(0, 1) * 0.2, gain=None))
    return path


def _exr(folder: Path, kind: type, names: str, numbers: tuple[int, ...]) -> Path:
    folder.mkdir()
    for number in numbers:
        planes = pattern(*SIZE, number, len(names)) * 8
        planes[3:] /= 8
        channels = {name: plane.astype(kind) for name, plane in zip(names, planes, strict=True)}
        header = {"compression": OpenEXR.PIZ_COMPRESSION, "type": OpenEXR.scanlineimage}
        with OpenEXR.File(header, channels) as file:
            file.write(str(folder / f"{number:04d}.exr"))
    return folder / "%04d.exr"


def _pictures(folder: Path, suffix: str, deep: bool, channels: int) -> Path:
    folder.mkdir()
    for number in (1, 2, 3):
        pixels = pattern(*SIZE, number, channels).transpose(1, 2, 0)
        stored = (
            np.round(pixels * 65535).astype(np.uint16) if deep else np.round(pixels * 255).astype(np.uint8)
        )
        cv2.imwrite(str(folder / f"shot.{number:04d}{suffix}"), stored)
    return folder / f"shot.####{suffix}"


def _everything(path: Path) -> Path:
    """A clip with two audio streams, subtitles, chapters, tags, timecode, cover and variable frame rate."""
    plain = make_clip(
        path.with_name("plain.mkv"),
        width=SIZE[0],
        height=SIZE[1],
        times=[Fraction(n, 25) for n in (0, 1, 2, 5, 6, 10)],
        sound=[Sound(language="eng"), Sound("pcm_s16le", language="fra", start=Fraction(1, 10))],
        subtitles=[(0.1, 0.3, "hello")],
        chapters=[(0, 0.2, "one"), (0.2, 0.44, "two")],
        tags={"title": "A clip", "creation_time": "2020-01-02T03:04:05.000000Z"},
        sample_aspect=Fraction(4, 3),
    )
    data = io.BytesIO()
    Image.new("RGB", (32, 32), (200, 30, 30)).save(data, "JPEG")
    with av.open(str(plain)) as given, av.open(str(path), "w") as out:
        out.metadata.update(given.metadata)
        copies = {}
        for stream in given.streams:
            copies[stream.index] = copy = out.add_stream_from_template(stream, opaque=True)
            for key in ("language", "title"):
                if key in stream.metadata:
                    copy.metadata[key] = stream.metadata[key]
        copies[given.streams.video[0].index].metadata["timecode"] = "01:00:00:00"
        out.set_chapters(given.chapters())
        out.add_attachment("cover.jpg", "image/jpeg", data.getvalue())
        for packet in given.demux():
            if packet.size:
                packet.stream = copies[packet.stream_index]
                out.mux_one(packet)
    plain.unlink()
    return path


def make_samples(folder: Path) -> Iterator[tuple[str, Path]]:
    """The description of each sample, and its file or pattern."""
    recipes: list[tuple[str, Callable[[], Path]]] = [
        ("interlaced MPEG-2", lambda: _interlaced(folder / "interlaced.ts")),
        (
            "ProRes 4444 with alpha",
            lambda: _encoded(folder / "alpha.mov", "yuva444p10le", Encoding("prores")),
        ),
        ("ProRes 422 HQ", lambda: _encoded(folder / "prores.mov", "yuv422p10le", Encoding("prores"))),
        ("DNxHR HQX", lambda: _encoded(folder / "dnxhr.mov", "yuv422p10le", Encoding("dnxhr"))),
        ("VP9 with alpha", lambda: _encoded(folder / "alpha.webm", "yuva420p", Encoding("vp9"))),
        (
            "H.265, 12 bits, 4:2:2",
            lambda: _encoded(folder / "deep.mp4", "yuv422p12le", Encoding("h265", pix_fmt="yuv422p12le")),
        ),
        ("FFV1, 16 bits, 4:4:4", lambda: _clip(folder / "deep.mkv", "yuv444p16le")),
        ("FFV1, full range", lambda: _clip(folder / "full.mkv", "yuv422p", full_range=True)),
        ("HDR10 in H.265", lambda: _hdr(folder / "hdr.mp4")),
        ("all at once", lambda: _everything(folder / "everything.mkv")),
        ("OpenEXR, half, alpha", lambda: _exr(folder / "half", np.float16, "RGBA", (1001, 1002, 1003))),
        ("OpenEXR, float, a gap", lambda: _exr(folder / "float", np.float32, "RGB", (1, 2, 5))),
        ("OpenEXR with depth", lambda: _exr(folder / "depth", np.float16, "RGBZ", (1, 2))),
        ("PNG, 16 bits, alpha", lambda: _pictures(folder / "png", ".png", True, 4)),
        ("TIFF, 16 bits", lambda: _pictures(folder / "tif", ".tif", True, 3)),
        ("JPEG", lambda: _pictures(folder / "jpg", ".jpg", False, 3)),
    ]
    for name, make in recipes:
        yield name, make()
