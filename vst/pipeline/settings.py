"""All that a user decides about a render."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from vst.device import check_precision
from vst.errors import UsageError
from vst.media.decode.clip_range import ClipRange, PositionLike, parse_range
from vst.media.decode.hardware import NONE, check_hwaccel
from vst.media.decode.options import check_deinterlace, check_hdr
from vst.media.decode.reader import MAX_DAMAGED
from vst.media.segments.disk_space import MIN_FREE
from vst.modes.memory import SMALLEST_TILE
from vst.styles.quality import BEST, check_quality

MAX_SIDE = 16384
"""The longest side that may be asked for, in pixels; libx264 takes no longer one."""
MAX_THREADS = 1024
MIB = 1 << 20
MAX_FPS = 1000


@dataclass(frozen=True, kw_only=True)
class RenderSettings:
    """Everything but the file names. Two renders of one clip with equal settings give equal frames.

    Raises:
        UsageError: for values out of range.
    """

    style: str
    """A style, `candy`, or a blend, `candy:0.6+wave:0.4`."""
    mode: str = "vtn"
    """A name that `vst modes` lists."""
    quality: str = BEST
    """The widest weights that have the style, `best`, or the narrowest, `fast`; `standard`: wide ones or
    none."""
    flow: str = "auto"
    """Which estimator gives the motion."""
    strength: float = 1.0
    """0 is the clip, 1 the painting."""
    keep_color: bool = False
    """Luminance of the painting, colour of the clip."""
    style_scale: float | None = None
    """Size of the strokes relative to the frame: 1 is as a frame with a short side of 480 pixels gets them,
    2 twice as broad. None is 1, but smaller frames are painted at their own size."""
    scale: float | None = None
    """Size of the output relative to the clip's; not together with `size`."""
    size: int | None = None
    """Short side of the output in pixels; not together with `scale`."""
    fps: Fraction | None = None
    """Frames a second of an image sequence; None is what its files say, or 24."""
    hdr: str = "tonemap"
    """What becomes of PQ and HLG: `tonemap` to standard range, or `keep` it."""
    deinterlace: str = "no"
    """Whole pictures from interlaced clips: `no`, one a `frames` or one a `fields`."""
    start: PositionLike | None = None
    """Where to begin: seconds from the clip's first frame, `0:01:02.5`, or a frame `300f`; see
    `vst.media.decode.clip_range`."""
    end: PositionLike | None = None
    """Where to end, as `start`; the frame there is not rendered any more."""
    frames: int | None = None
    """How many frames; not together with `end`."""
    hwaccel: str = NONE
    """The kind of device that decodes: `none`, `auto` for any that works, or a name of libav's, `cuda`."""
    codec: str | None = None
    """Video codec; None is h264, or what the container and the clip want."""
    crf: int | None = None
    """Quality of the encoder, smaller is better; None is the codec's default."""
    pix_fmt: str | None = None
    """Pixel format of the output; None is the codec's default."""
    device: str = "auto"
    """auto, cpu, cuda or cuda:n."""
    precision: str = "auto"
    """auto, fp32, bf16 or fp16."""
    tile: int | None = None
    """Side in pixels of the tiles in which frames are painted; 0: never in tiles. None: where a frame
    would take more than 2 GiB, which its size, the network and the precision decide, and nothing else."""
    threads: int | None = None
    """Threads of the arithmetic; None is one a core."""
    weights_dir: Path | None = None
    """Looked in before the usual weight folders."""
    overwrite: bool = False
    """Whether an output that exists is replaced."""
    max_damaged: int = MAX_DAMAGED
    """So many damaged frames in a row are replaced by their neighbour; one more ends the clip."""
    min_free: float = MIN_FREE / MIB
    """MiB: with fewer free on the disk, the render waits for room; 0 for never."""
    resume: bool = True
    """Whether to go on after what a render of the same output finished before it was stopped."""

    @property
    def clip_range(self) -> ClipRange:
        """The part of the clip that is rendered."""
        return parse_range(self.start, self.end, self.frames)

    def __post_init__(self) -> None:
        parse_range(self.start, self.end, self.frames)
        check_strength(self.strength)
        check_style_scale(self.style_scale)
        check_precision(self.precision)
        check_quality(self.quality)
        check_tile(self.tile)
        check_hdr(self.hdr)
        check_deinterlace(self.deinterlace)
        check_hwaccel(self.hwaccel)
        if self.fps is not None and not 0 < self.fps <= MAX_FPS:
            raise UsageError(f"fps is {float(self.fps):g}; expected more than 0 and at most {MAX_FPS}")
        if self.scale is not None and self.size is not None:
            raise UsageError("scale and size were both given; give one of them")
        if self.scale is not None and not 0 < self.scale <= 8:
            raise UsageError(f"scale is {self.scale:g}; expected more than 0 and at most 8")
        if self.size is not None and not 16 <= self.size <= MAX_SIDE:
            raise UsageError(f"size is {self.size}; expected a short side of 16 to {MAX_SIDE} pixels")
        if self.threads is not None and not 1 <= self.threads <= MAX_THREADS:
            raise UsageError(f"threads is {self.threads}; expected 1 to {MAX_THREADS}")
        if self.max_damaged < 0:
            raise UsageError(f"max damaged is {self.max_damaged}; expected 0 frames or more")
        if not 0 <= self.min_free < math.inf:
            raise UsageError(f"min free is {self.min_free:g}; expected 0 MiB (never wait) or more")


def check_strength(strength: float) -> None:
    """Refuse a strength that means nothing.

    Raises:
        UsageError: for one outside 0..1.
    """
    if not 0 <= strength <= 1:
        raise UsageError(f"strength is {strength:g}; expected 0 (the clip) to 1 (the painting)")


def check_style_scale(style_scale: float | None) -> None:
    """Refuse a size of strokes that nobody can mean.

    Raises:
        UsageError: for one outside 0.1..10; None is none.
    """
    if style_scale is not None and not 0.1 <= style_scale <= 10:
        raise UsageError(
            f"style scale is {style_scale:g}; expected 0.1 (fine strokes) to 10 (broad ones), "
            "1 for those that 480p gets"
        )


def check_tile(tile: int | None) -> None:
    """Refuse tiles that are mostly border.

    Raises:
        UsageError: for a side below `SMALLEST_TILE` or above `MAX_SIDE`; None and 0 are none.
    """
    if tile and not SMALLEST_TILE <= tile <= MAX_SIDE:
        raise UsageError(
            f"tile is {tile}; expected a side of {SMALLEST_TILE} to {MAX_SIDE} pixels, or 0 (off) for none"
        )
