"""Render options: which part of the picture is stylized how."""

from __future__ import annotations

from dataclasses import dataclass

from vst.pipeline.options import option
from vst.pipeline.regions.region import Mask, Region, parse_mask, parse_region


@dataclass(frozen=True, kw_only=True)
class RegionOptions:
    """Options that say which part of the picture is stylized how."""

    mask: Mask | None = option(
        None,
        type=parse_mask,
        metavar="FILE",
        help="Stylize only where a mask is white: a picture, a sequence, a clip as long as this one, or "
        "'alpha' for the clip's own. Then ',invert', ',feather=PIXELS' and ',channel=luma' or 'alpha' may "
        "follow.",
    )
    outside: str | None = option(
        None,
        type=str,
        metavar="STYLE",
        default_text="none",
        help="What is outside of --mask: a style, or none for the clip as it is.",
    )
    regions: tuple[Region, ...] = option(
        (),
        type=parse_region,
        repeats="region",
        metavar="FILE=STYLE",
        help="Another style, or none, where a mask is white. It may be given several times: a later region "
        "lies over an earlier one. FILE is as for --mask, and so is what may follow; also "
        "',style-scale=FACTOR'.",
    )
    elsewhere: str | None = option(
        None,
        type=str,
        metavar="STYLE",
        default_text="--style, or none without it",
        help="What is outside of all regions: a style, or none for the clip as it is.",
    )
