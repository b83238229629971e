"""How the plugin client and the worker talk to each other.

Messages are packets over a Unix socket (`SOCK_SEQPACKET`), UTF-8 (paths: any bytes): a word, then lines of
`name=value`.
`vst.host.messages` lists them.

Frames go through memory that the client creates; the first `render` of a size carries its file descriptor.
The memory has three slots, each 3×H×W float32, R'G'B' or linear RGB, top row first, not premultiplied.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from vst.errors import UsageError
from vst.host.messages import MESSAGES, FieldType

PROTOCOL = 3
"""Increased by a change that the other side cannot understand."""

PACKET_SIZE = 16384
"""Bytes of the longest message."""

HASH_SIZE = 16
"""Bytes of a frame's hash."""

OTHER, CURRENT, RESULT = range(3)
"""The slots of the shared memory: any source frame, the frame to stylize, the stylized frame."""

SLOTS = 3
"""How many slots the shared memory has."""

LARGEST_SIDE = 32768
"""Pixels."""

_NUMBER = re.compile(r"[-+0-9.e]+", re.ASCII)

_FIELDS = {message.word: {field.name: field.type for field in message.fields} for message in MESSAGES}


def encode(word: str, **values: object) -> bytes:
    """Write one message.

    Args:
        word: One of `MESSAGES`.
        **values: All of its fields. Line breaks in texts become spaces.

    Raises:
        ValueError: if the fields are not those of the message, or a number is out of range.
    """
    types = _FIELDS[word]
    if set(values) != set(types):
        raise ValueError(f"the fields of {word!r} are {sorted(values)}; expected {sorted(types)}")
    lines = [word]
    lines += [f"{name}={_write(types[name], value)}" for name, value in values.items()]
    return "\n".join(lines).encode(errors="surrogateescape")[:PACKET_SIZE]


def split(packet: bytes) -> tuple[str, dict[str, str]]:
    """The word and the fields of a message, as texts."""
    word, *lines = packet.decode(errors="surrogateescape").split("\n")
    return word, {name: value for name, _, value in (line.partition("=") for line in lines) if name}


def typed(word: str, texts: Mapping[str, str]) -> dict[str, Any]:
    """The fields of a message, converted to `int`, `bool`, `float`, `str` and `bytes`.

    Args:
        word: One of `MESSAGES`.
        texts: From `split`. Unknown fields are ignored.

    Raises:
        UsageError: for a field that is missing or invalid.
    """
    try:
        return {name: _read(type_, texts[name]) for name, type_ in _FIELDS[word].items()}
    except (KeyError, ValueError) as error:
        raise UsageError(
            f"the plugin sent an invalid {word!r} message ({error!r}); run 'vst plugin install' again"
        ) from error


def typed_id(texts: Mapping[str, str]) -> int:
    """The number of the request that a message belongs to; -1 if it has none."""
    text = texts.get("id", "")
    return int(text) if _NUMBER.fullmatch(text) and text.isdecimal() else -1


@dataclass(frozen=True, kw_only=True)
class RequestedClip:
    """The source clip as the host gives it.

    Attributes:
        width: Of a frame in pixels.
        height: Of a frame in pixels.
        linear: Frames are scene-linear, and so is the result.
        first: Index of the first frame.
        last: Index of the last frame.
        temporal: Whether the host gives frames of other times.
        gap: Where not `temporal`: a larger step in time is a jump; 0 if the frame rate is unknown.
        frame_rate: Frames a second; 0 if the host does not say it.
    """

    width: int
    height: int
    linear: bool
    first: int
    last: int
    temporal: bool
    gap: float
    frame_rate: float


@dataclass(frozen=True, kw_only=True)
class RequestedSettings:
    """How to stylize, as for `vst render`.

    Attributes:
        style: A style or blend.
        mode: A mode.
        strength: 0..1.
        keep_color: Keep the clip's colours.
        keep_borders: Leave borders of one colour as they are.
        style_scale: Size of the strokes; None as `vst render` chooses.
        keyframe_interval: Frames from a keyframe to the next; None as `vst render` chooses.
        look_ahead: Frames wait for the keyframe after them, where the clip is `temporal`.
        seed: For modes that draw random numbers.
        device: auto, cpu, cuda, cuda:n or mps.
        weights_dir: Folder of weights that is searched first.
    """

    style: str
    mode: str
    strength: float
    keep_color: bool
    keep_borders: bool
    style_scale: float | None
    keyframe_interval: int | None
    look_ahead: bool
    seed: int
    device: str
    weights_dir: Path | None


@dataclass(frozen=True, kw_only=True)
class Request:
    """One frame to stylize: the fields of a `render` message.

    Attributes:
        number: Of the request; answers carry it.
        editor: `openfx` or `frei0r`: whose parameters messages to the user speak of.
        run: Identifies the plugin instance and its state of the clip.
        index: Of the frame in its clip; any number where the clip is not `temporal`.
        time: Of the frame; a growing number where the clip is not `temporal`.
        clip: The source clip.
        settings: How to stylize.
        interactive: A user waits for the frame.
        limit: Where `interactive`: how many frames to stylize at most for this one.
    """

    number: int
    editor: str
    run: str
    index: int
    time: float
    clip: RequestedClip
    settings: RequestedSettings
    interactive: bool
    limit: int


def parse_request(texts: Mapping[str, str]) -> Request:
    """The request in a `render` message.

    Raises:
        UsageError: for a field that is missing or invalid.
    """
    values = typed("render", texts)
    for name in ("style_scale", "keyframe_interval"):
        values[name] = values[name] or None
    values["weights_dir"] = Path(values["weights"]).expanduser() if values["weights"] else None
    request = Request(
        number=values["id"],
        editor=values["editor"],
        run=values["run"],
        index=values["index"],
        time=values["time"],
        clip=RequestedClip(**{each.name: values[each.name] for each in fields(RequestedClip)}),
        settings=RequestedSettings(**{each.name: values[each.name] for each in fields(RequestedSettings)}),
        interactive=values["interactive"],
        limit=max(values["limit"], 1),
    )
    width, height = request.clip.width, request.clip.height
    if not (1 <= width <= LARGEST_SIDE and 1 <= height <= LARGEST_SIDE):
        raise UsageError(f"the frame is {width}×{height}; expected sides of 1 to {LARGEST_SIDE} pixels")
    return request


def _write(type_: FieldType, value: Any) -> str:
    if type_ is FieldType.HASH:
        return bytes(value).hex()
    if type_ is FieldType.NUMBER:
        return repr(_finite(float(value)))
    if type_ is FieldType.TEXT:
        return " ".join(str(value).splitlines())
    return str(_integer(int(value)))


def _read(type_: FieldType, text: str) -> int | bool | float | str | bytes:
    if type_ is FieldType.TEXT:
        return text
    if type_ is FieldType.HASH:
        found = bytes.fromhex(text)
        if len(found) != HASH_SIZE:
            raise ValueError(text)
        return found
    # Python also reads underscores, spaces and digits of other scripts.
    if not _NUMBER.fullmatch(text):
        raise ValueError(text)
    if type_ is FieldType.NUMBER:
        return _finite(float(text))
    value = _integer(int(text))
    if type_ is FieldType.INTEGER:
        return value
    if value not in (0, 1):
        raise ValueError(text)
    return bool(value)


def _finite(value: float) -> float:
    if not math.isfinite(value):
        raise ValueError(f"{value} is not finite")
    return value


def _integer(value: int) -> int:
    if not -(2**31) <= value < 2**31:
        raise ValueError(f"{value} does not fit 32 bits")
    return value
