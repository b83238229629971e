"""Options of `vst texture` and `vst reconstruct` beside those that a render has too."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from vst.errors import UsageError
from vst.pipeline.option_values import MAX_SIDE, parse_frame_rate, parse_sides
from vst.pipeline.options import Range, option, validate

SMALLEST_SIDE = 64
"""Of a texture, in pixels."""

MULTIPLE = 16
"""Of which sides of a texture that repeats are multiples, in pixels."""

CONTENT, STYLE = PARTS = ("content", "style")

OPTIMISATION = (
    "loss_network",
    "steps",
    "seconds",
    "style_layers",
    "style_loss",
    "variation_weight",
    "pooling",
    "optimizer",
    "levels",
    "preview",
    "tile",
    "threads",
    "device",
    "precision",
    "weights_dir",
    "overwrite",
)
"""Fields of `RenderSettings` that are options of textures."""

ENCODING = ("codec", "crf")
"""Those that are options of moving textures."""


@dataclass(frozen=True, kw_only=True)
class TextureSettings:
    """What kind of texture; how it is optimised stands in `RenderSettings`.

    Raises:
        UsageError: A value is out of range, or two do not go together.
    """

    size: tuple[int, int] = option(
        (512, 512),
        type=parse_sides,
        metavar="WxH",
        default_text="512x512",
        help="Width and height in pixels.",
    )
    style_size: int = option(
        512,
        type=int,
        metavar="N",
        range=Range(32, 8192, unit="pixels"),
        help="Longer side of the painting in pixels beside the texture; smaller gives finer strokes.",
    )
    tileable: bool = option(False, type=bool, help="Make a texture that repeats without a seam.")
    seed: int = option(
        0, type=int, metavar="N", range=Range(0, 2**63 - 1), help="Another number gives another texture."
    )
    frames: int | None = option(
        None,
        type=int,
        metavar="N",
        range=Range(2, 100_000),
        help="Make a clip of this many frames: a texture that moves, and repeats without a seam.",
    )
    loop: bool = option(False, type=bool, help="Let the first frame follow the last one.")
    fps: Fraction = option(
        Fraction(24), type=parse_frame_rate, metavar="RATE", default_text="24", help="Frames a second."
    )
    speed: float | None = option(
        None,
        type=float,
        metavar="PIXELS",
        range=Range(0, 64),
        default_text="1/320 of the shorter side",
        help="How far things move in a frame, on average.",
    )

    def __post_init__(self) -> None:
        validate(self)
        width, height = self.size
        if min(self.size) < SMALLEST_SIDE or max(self.size) > MAX_SIDE:
            raise UsageError(
                f"a texture of {width}×{height} was asked for; expected {SMALLEST_SIDE} to {MAX_SIDE} "
                "pixels a side"
            )
        if not 0 < self.fps <= 1000:
            raise UsageError(f"fps is {float(self.fps):g}; expected more than 0 and at most 1000")
        if self.repeats and (width % MULTIPLE or height % MULTIPLE):
            near = "×".join(str(max(MULTIPLE, round(side / MULTIPLE) * MULTIPLE)) for side in self.size)
            raise UsageError(
                f"a texture that repeats has sides that are multiples of {MULTIPLE}, and "
                f"{width}×{height} was given: try {near}"
            )
        if self.frames is None:
            for name, given in (("loop", self.loop), ("speed", self.speed is not None)):
                if given:
                    raise UsageError(f"--{name} is for clips: give --frames too")

    @property
    def repeats(self) -> bool:
        """Whether opposite sides fit to each other; those of what moves always do."""
        return self.tileable or self.frames is not None
