"""Render options: how frames are stylized."""

from __future__ import annotations

from dataclasses import dataclass

from vst.keyframe_interval import AUTO, MAX_INTERVAL
from vst.pipeline.option_values import parse_interval
from vst.pipeline.options import Effect, Frei0rParameter, OpenFxParameter, Range, option

LOOK_AHEAD = ("auto", "0")
QUALITIES = ("best", "standard", "fast")


@dataclass(frozen=True, kw_only=True)
class StylizationOptions:
    """Options that say how frames are stylized.

    Many attributes: one for each option.
    """

    style: str = option(
        type=str,
        metavar="STYLE",
        help="A style, or a blend such as candy:0.6+wave:0.4.",
        openfx=OpenFxParameter(position=0, name="style", label="Style", choices={}, hint="The style."),
        frei0r=Frei0rParameter(position=0, name="style"),
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
        help="Stylize one frame in so many, and carry it to the frames between: auto (a third of a "
        "second), or a number; 1 stylizes every frame. By default auto with vtn, 1 with other modes.",
        openfx=OpenFxParameter(
            position=12,
            name="keyframeInterval",
            label="Keyframe interval",
            low=0,
            hint="Stylize one frame in so many, and carry it to the frames between. 0 chooses: one in a "
            "third of a second with vtn, every frame with other modes.",
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
    strength: float = option(
        1.0,
        type=float,
        metavar="0..1",
        range=Range(0, 1, low_means="the clip", high_means="the stylization"),
        help="Mix of clip and stylization: 0 is the clip, 1 the stylization.",
        openfx=OpenFxParameter(position=3, name="strength", label="Strength", animates=True),
        frei0r=Frei0rParameter(position=2, name="strength"),
    )
    keep_color: bool = option(
        False,
        type=bool,
        help="Keep the clip's colour; take only the luminance of the stylization.",
        openfx=OpenFxParameter(position=4, name="keepColor", label="Keep colour"),
        frei0r=Frei0rParameter(position=3, name="keep_color"),
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
