"""Render options: how frames are stylized."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vst.colour_modes import COLOURS, STYLE
from vst.keyframe_interval import AUTO, MAX_INTERVAL
from vst.pipeline.control.timeline import StrengthTimeline, StyleTimeline, numbers_of, parse_strength
from vst.pipeline.option_values import parse_interval
from vst.pipeline.options import Effect, Frei0rParameter, OpenFxParameter, Range, option

LOOK_AHEAD = ("auto", "0")
MAX_HOLD = 1000
QUALITIES = ("best", "standard", "fast")

_STRENGTH_HINT = "Mix of clip and stylization: 0 is the clip, 1 the stylization."
_KEEP_HINT = "Keep the clip's colour; take only the luminance of the stylization."


@dataclass(frozen=True, kw_only=True)
class StylizationOptions:
    """Options that say how frames are stylized.

    Many attributes: one for each option.
    """

    style: str | StyleTimeline | None = option(
        None,
        type=str,
        metavar="STYLE",
        help="A style, a blend such as candy:0.6+wave:0.4, styles over time such as '0s:candy 5s:wave', "
        "or a JSON file with these.",
        openfx=OpenFxParameter(position=0, name="style", label="Style", choices={}, hint="The style."),
        frei0r=Frei0rParameter(
            position=0, name="style", hint="A style, or a blend such as candy:0.6+wave:0.4."
        ),
    )
    style_per_shot: str | Sequence[str] | None = option(
        None,
        type=str,
        metavar="STYLES",
        excludes="style",
        help="A style for each shot, beginning again after the last: candy,wave,none. In place of --style.",
    )
    mode: str = option(
        "vtn",
        type=str,
        metavar="MODE",
        help="How frames are stylized: a name that 'vst modes' lists.",
        openfx=OpenFxParameter(
            position=2,
            name="mode",
            label="Mode",
            choices={},
            hint="vtn: strokes follow the motion. itn: each frame independently.",
        ),
        frei0r=Frei0rParameter(
            position=1, name="mode", hint="vtn: strokes follow the motion; itn: each frame independently"
        ),
    )
    quality: str = option(
        "best",
        type=str,
        choices=QUALITIES,
        effect=Effect.RESOLVED,
        help="Width of the network: the widest that has the style, only a wide one, or the narrowest.",
    )
    flow: str = option(
        "auto",
        type=str,
        metavar="FLOW",
        effect=Effect.RESOLVED,
        help="Optical flow estimator, or file:FOLDER for flow that 'vst flow' wrote.",
    )
    keyframe_interval: int | None = option(
        None,
        type=parse_interval,
        metavar="FRAMES",
        range=Range(1, MAX_INTERVAL, unit="frames", special=(AUTO, "auto")),
        help="Stylize one frame in so many, and propagate it to the frames between: auto (a third of a "
        "second), or a number; 1 stylizes every frame. By default auto with vtn, 1 with other modes.",
        openfx=OpenFxParameter(
            position=12,
            name="keyframeInterval",
            label="Keyframe interval",
            low=0,
            hint="Stylize one frame in so many, and propagate it to the frames between. 0 chooses: one in "
            "a third of a second with vtn, every frame with other modes.",
        ),
        frei0r=Frei0rParameter(
            position=9,
            name="keyframe_interval",
            full_scale=MAX_INTERVAL,
            hint="as --keyframe-interval of 'vst render', divided by 16; 0 chooses",
        ),
    )
    look_ahead: str = option(
        "auto",
        type=str,
        choices=LOOK_AHEAD,
        help="Frames between two keyframes: auto waits for the later one and uses both, 0 uses the earlier "
        "one alone, for live use.",
        openfx=OpenFxParameter(
            position=13, name="lookAhead", label="Look-ahead", choices={"auto": 0, "0": 1}
        ),
    )
    steadiness: float = option(
        1.0,
        type=float,
        metavar="0..1",
        range=Range(0, 1, low_means="every frame for itself", high_means="as steady as the mode is"),
        help="How much a frame is made from those before it. Less also shortens the keyframe interval. "
        "lstm, which has a memory of its own, takes 0 and 1 only.",
    )
    hold: int = option(
        1,
        type=int,
        metavar="N",
        range=Range(1, MAX_HOLD, unit="frames"),
        help="Show each stylized frame for N frames, as in animation on twos; the timing stays.",
    )
    loop: bool = option(
        False,
        type=bool,
        help="The clip is played in a loop: its last stylized frame leads to the first one.",
    )
    strength: float | StrengthTimeline = option(
        1.0,
        type=parse_strength,
        metavar="0..1",
        range=Range(0, 1, low_means="the clip", high_means="the stylization"),
        numbers=numbers_of,
        help="Mix of clip and stylization: 0 is the clip, 1 the stylization. Over time: '0s:0 2s:1', or a "
        "JSON file.",
        openfx=OpenFxParameter(
            position=3, name="strength", label="Strength", animates=True, hint=_STRENGTH_HINT
        ),
        frei0r=Frei0rParameter(position=2, name="strength", hint=_STRENGTH_HINT),
    )
    colour: str = option(
        STYLE,
        type=str,
        choices=COLOURS,
        help="Whose colours: the style's; keep the clip's, and take only the luminance of the stylization; "
        "match the style's to the clip's palette; luminance: as keep, with a network that sees only that.",
    )
    keep_color: bool = option(
        False,
        type=bool,
        help="The same as --colour keep.",
        openfx=OpenFxParameter(position=4, name="keepColor", label="Keep colour", hint=_KEEP_HINT),
        frei0r=Frei0rParameter(position=3, name="keep_color", hint=_KEEP_HINT),
    )
    keep_borders: bool = option(
        True,
        type=bool,
        help="Leave borders of one colour as they are, such as letterbox bars, and stylize the picture "
        "inside as if they were not there (default), or stylize them too.",
        openfx=OpenFxParameter(
            position=11,
            name="keepBorders",
            label="Keep borders",
            hint="Leave borders of one colour as they are, such as letterbox bars, and stylize the picture "
            "inside as if they were not there.",
        ),
        frei0r=Frei0rParameter(
            position=8,
            name="keep_borders",
            hint="leave borders of one colour, such as letterbox bars, as they are",
        ),
    )
    follow_light: bool = option(
        True,
        type=bool,
        help="Dark frames stay dark, and white ones white: a fade to black ends black.",
    )
    style_scale: float | None = option(
        None,
        type=float,
        metavar="FACTOR",
        range=Range(0.1, 10, low_means="fine strokes", high_means="broad strokes"),
        help="Size of the strokes relative to the frame: 1 as at 480p, 2 twice as broad. By default 1, but "
        "frames up to 600p are stylized at their own size.",
        openfx=OpenFxParameter(
            position=5,
            name="styleScale",
            label="Stroke size",
            low=0,
            slider_high=4,
            hint="Size of the strokes: 1 as at 480p, 2 twice as broad; 0 chooses as 'vst render' does.",
        ),
        frei0r=Frei0rParameter(
            position=4,
            name="style_scale",
            full_scale=10,
            hint="size of the strokes divided by 10; 0 chooses as 'vst render' does",
        ),
    )
