"""Damaged files: tiny valid files of many kinds, with bits flipped, cut short, or spliced."""

from __future__ import annotations

import io
import random
import struct
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import OpenEXR
from clips import Sound, make_clip
from PIL import Image

import vst.media.libav  # noqa: F401  (it sets libav's logging)

CONTAINERS = {
    "h264.mp4": {"sound": [Sound(seconds=0.3)], "tags": {"title": "t"}, "rotation": 90},
    "h264.mkv": {"chapters": [(0, 0.1, "a")], "subtitles": [(0.0, 0.2, "words")]},
    "h264.flv": {},
    "hevc.mp4": {
        "codec": "libx265",
        "width": 80,
        "height": 80,
        "options": {"x265-params": "log-level=none:pools=1:frame-threads=1", "preset": "ultrafast"},
    },
    "mpeg2.ts": {"codec": "mpeg2video", "time_base": Fraction(1, 25)},
    "mpeg2.mxf": {"codec": "mpeg2video", "pix_fmt": "yuv422p", "time_base": Fraction(1, 25)},
    "mpeg4.avi": {"codec": "mpeg4"},
    "mpeg4.3gp": {"codec": "mpeg4"},
    "ffv1.mkv": {"codec": "ffv1", "options": {"level": "3", "slicecrc": "1"}, "pix_fmt": "yuva420p"},
    "vp9.webm": {"codec": "libvpx-vp9", "options": {"deadline": "realtime", "cpu-used": "8"}},
    "vp8.webm": {"codec": "libvpx", "options": {"deadline": "realtime", "cpu-used": "8"}},
    "av1.mp4": {
        "codec": "libsvtav1",
        "width": 64,
        "height": 64,
        "options": {"preset": "12", "svtav1-params": "lp=1"},
    },
    "prores.mov": {"codec": "prores_ks", "pix_fmt": "yuva444p10le", "top": 1023},
    "mjpeg.mov": {"codec": "mjpeg", "pix_fmt": "yuvj420p"},
    "gif.gif": {"codec": "gif", "pix_fmt": "bgr8"},
}
"""Name -> arguments of `make_clip`."""


def make_seeds(folder: Path) -> list[Path]:
    """A valid file of every kind, each with a few frames or a small picture."""
    folder.mkdir(parents=True, exist_ok=True)
    clips = [
        make_clip(folder / name, frames=6, exact=True, **options) for name, options in CONTAINERS.items()
    ]
    return clips + _pictures(folder)


def _pictures(folder: Path) -> list[Path]:
    pixels = np.random.default_rng(1).integers(0, 256, (20, 30, 4), np.uint8)
    found = []
    for name, options in {
        "p.png": {},
        "p.jpg": {},
        "p.webp": {"lossless": True},
        "p.tif": {"compression": "tiff_lzw"},
        "p.bmp": {},
    }.items():
        picture = Image.fromarray(pixels)
        exif = Image.Exif()
        exif[0x0112] = 6
        if name in ("p.jpg", "p.tif"):
            options |= {"exif": exif}
        (picture if name != "p.jpg" else picture.convert("RGB")).save(folder / name, **options)
        found.append(folder / name)
    deep = pixels.astype(np.uint16) * 257
    for name in ("deep.png", "deep.tif"):
        cv2.imwrite(str(folder / name), deep)
        found.append(folder / name)
    plane = np.linspace(0, 3, 600, dtype=np.float32).reshape(20, 30)
    for name, compression in (("zip.exr", OpenEXR.ZIP_COMPRESSION), ("piz.exr", OpenEXR.PIZ_COMPRESSION)):
        header = {"compression": compression, "type": OpenEXR.scanlineimage}
        with OpenEXR.File(header, {"R": plane, "G": plane, "B": plane.astype(np.float16)}) as file:
            file.write(str(folder / name))
        found.append(folder / name)
    return found


def make_flow(folder: Path) -> Path:
    """A valid .flo file."""
    path = folder / "f.flo"
    path.write_bytes(struct.pack("<fii", 202021.25, 6, 4) + np.ones(48, "<f4").tobytes())
    return path


def mutants(seeds: list[Path], folder: Path, count: int, seed: int) -> Iterator[Path]:
    """Damaged files, the same for the same seed: in turn with bits flipped, cut short, and spliced."""
    folder.mkdir(parents=True, exist_ok=True)
    chance = random.Random(seed)
    contents = {path: path.read_bytes() for path in seeds}
    for number in range(count):
        source = seeds[number % len(seeds)]
        kind = (number // len(seeds)) % 3
        content = contents[source]
        if kind == 0:
            changed = flipped(content, chance)
        elif kind == 1:
            changed = flipped(
                content[: chance.randrange(1, len(content))], chance, most=chance.randrange(3)
            )
        else:
            changed = spliced(content, contents[chance.choice(seeds)], chance)
        path = folder / f"{number:03d}-{('flip', 'cut', 'splice')[kind]}-{source.name}"
        path.write_bytes(changed)
        yield path


def flipped(content: bytes, chance: random.Random, most: int = 24) -> bytes:
    """Flip some bits; in half of the files only in the header, where they do most harm."""
    changed = bytearray(content)
    reach = min(len(changed), 600) if chance.random() < 0.5 else len(changed)
    for _ in range(chance.randint(0, most)):
        changed[chance.randrange(reach)] ^= 1 << chance.randrange(8)
    return bytes(changed)


def spliced(content: bytes, other: bytes, chance: random.Random) -> bytes:
    """Replace a part by a part of another file, or of the same file."""
    donor = other if chance.random() < 0.5 else content
    out = io.BytesIO()
    begin = chance.randrange(len(content))
    end = min(len(content), begin + chance.randrange(1, 400))
    first = chance.randrange(len(donor))
    out.write(content[:begin])
    out.write(donor[first : first + chance.randrange(1, 400)])
    out.write(content[end:])
    return out.getvalue()
