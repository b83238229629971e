"""What a client and the worker say to each other.

Messages are packets over a Unix socket (`SOCK_SEQPACKET`), UTF-8: a word, then lines of `name=value`.
Frames go through memory that the client makes; its descriptor comes with the first `render` of a size.

    client                                   worker
    hello    protocol, version          ->
                                        <-   hello    protocol, version
    render   id, size, time, settings   ->
                                        <-   need     index, slot            (as often as it takes)
    frame    index, hash                ->            or `missing`
                                        <-   step     done, steps            (a past frame is painted)
                                        <-   wait                            (loading, or busy elsewhere)
    cancel   id                         ->            at any time
                                        <-   done, failed or cancelled

The memory has three slots, each 3×H×W float32, R'G'B' or linear RGB, top row first, not premultiplied:
0 any frame that was needed, 1 the frame to be painted, 2 what was painted.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from vst.errors import UsageError

PROTOCOL = 1
"""Grows with every change that the other side could not understand."""

LONGEST_PACKET = 16384
"""Bytes; both sides refuse more."""

OTHER, CURRENT, RESULT = range(3)
"""The slots."""

SLOTS = 3
LARGEST_SIDE = 32768


def pack(word: str, **values: object) -> bytes:
    """One message; line breaks in values become blanks."""
    lines = [word]
    lines += [f"{name}={' '.join(str(value).splitlines())}" for name, value in values.items()]
    return "\n".join(lines).encode(errors="replace")[:LONGEST_PACKET]


def unpack(packet: bytes) -> tuple[str, dict[str, str]]:
    """The word and the values of a message."""
    word, *lines = packet.decode(errors="replace").split("\n")
    return word, {name: value for name, _, value in (line.partition("=") for line in lines) if name}


@dataclass(frozen=True, kw_only=True)
class Request:
    """One frame that a host wants painted.

    Attributes:
        number: Of the request; answers carry it.
        run: Which plugin instance asks, and since which change that it was told of.
        width: Of the frame in pixels.
        height: Of the frame.
        time: Of the frame: its index where `temporal`, else any growing number.
        first: Index of the clip's first frame.
        last: Index of its last one.
        temporal: Whether frames of other times can be had.
        gap: Without temporal access: the largest step in time that is no jump; 0 is found out.
        style: A style or blend.
        mode: A mode.
        strength: 0..1.
        keep_color: Keep the clip's colours.
        style_scale: Size of the strokes; None as `vst render` chooses.
        seed: For modes that draw random numbers.
        device: auto, cpu, cuda or cuda:n.
        weights_dir: Looked in first.
        linear: Frames are scene-linear, and so is what is painted.
        interactive: Somebody is waiting at a screen.
        limit: How many frames such a one waits for at most.
    """

    number: int
    run: str
    width: int
    height: int
    time: float
    first: int
    last: int
    temporal: bool
    gap: float
    style: str
    mode: str
    strength: float
    keep_color: bool
    style_scale: float | None
    seed: int
    device: str
    weights_dir: Path | None
    linear: bool
    interactive: bool
    limit: int

    @property
    def index(self) -> int:
        """The frame's index."""
        return round(self.time)


def parse_request(values: Mapping[str, str]) -> Request:
    """The request in a `render` message.

    Raises:
        UsageError: for a value that is missing or cannot be meant.
    """
    try:
        request = Request(
            number=int(values["id"]),
            run=values["run"],
            width=int(values["width"]),
            height=int(values["height"]),
            time=_finite(values["time"]),
            first=int(values["first"]),
            last=int(values["last"]),
            temporal=values["temporal"] == "1",
            gap=_finite(values["gap"]),
            style=values["style"],
            mode=values["mode"],
            strength=_finite(values["strength"]),
            keep_color=values["keep_color"] == "1",
            style_scale=_finite(values["style_scale"]) or None,
            seed=int(values["seed"]),
            device=values["device"],
            weights_dir=Path(values["weights"]).expanduser() if values["weights"] else None,
            linear=values["linear"] == "1",
            interactive=values["interactive"] == "1",
            limit=max(int(values["limit"]), 1),
        )
    except (KeyError, ValueError) as error:
        raise UsageError(
            f"the plugin's request cannot be read ({error!r}); run 'vst plugin install' again"
        ) from error
    if not (1 <= request.width <= LARGEST_SIDE and 1 <= request.height <= LARGEST_SIDE):
        raise UsageError(
            f"the frame is {request.width}×{request.height}; expected sides of 1 to {LARGEST_SIDE} pixels"
        )
    return request


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(text)
    return value
