"""Provenance: the text in the metadata of an output that says which program and style made it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePosixPath, PureWindowsPath
from typing import NamedTuple

MAX_CHARACTERS = 32_000
"""The longest text: the comment of a JPEG file has 64 KiB."""

_TEXT = re.compile(r"vst \d+\.\d+[^\s;]*; (mode|strength) [ -~]*(\nvst \d+\.\d+[^\s;]*; [ -~]*)*")


class StylePart(NamedTuple):
    """One style of an output.

    Attributes:
        name: Its name, or the path of a picture.
        share: Its share of a blend; the shares sum to 1.
        sha256: Hash of its weight file, or of its painting, hexadecimal.
    """

    name: str
    share: float
    sha256: str


def provenance_text(
    version: str,
    mode: str,
    styles: Sequence[StylePart],
    earlier: str | None = None,
    files: str = "weights",
    *,
    others: Sequence[Sequence[StylePart]] = (),
) -> str:
    """The provenance of an output, the same for the same arguments: without date, machine, user or path.

    It is ASCII, which every format can hold; other characters of names become escapes such as ``\\xe9``.

    Args:
        version: Of vst.
        mode: Name of the mode.
        styles: The styles; empty for an output that is not stylized.
        earlier: The provenance of the source, which goes before.
        files: What the hashes are of: weights, or paintings.
        others: The styles of further regions of the picture.
    """
    text = f"vst {version}; strength 0: not stylized"
    if styles:
        style = ", ".join(map(_blend, (styles, *others)))
        parts = (part for region in (styles, *others) for part in region)
        hashes = ", ".join(dict.fromkeys(f"{_plain(part.name)} sha256:{part.sha256}" for part in parts))
        text = f"vst {version}; mode {_plain(mode)}; style {style}; {files} {hashes}"
    text = text[:MAX_CHARACTERS]
    whole = text if earlier is None else f"{earlier}\n{text}"
    return whole if len(whole) <= MAX_CHARACTERS else text


def _blend(styles: Sequence[StylePart]) -> str:
    return "+".join(
        _plain(part.name) + (f":{part.share:.6g}" if len(styles) > 1 else "") for part in styles
    )


def find_provenance(tags: Mapping[str, str]) -> str | None:
    """The provenance among the tags of a clip or picture, or None."""
    texts: Iterable[str] = (value.strip() for value in tags.values() if len(value) <= MAX_CHARACTERS)
    return next((text for text in texts if _TEXT.fullmatch(text)), None)


def add_provenance(tags: dict[str, str], keys: Sequence[str], text: str) -> None:
    """Put a provenance under the first of some keys that is free: other tags of the clip stay.

    The provenance of the source is replaced by a text that begins with it. If no key is free, the text
    follows the value of the last one.

    Args:
        tags: The tags of an output; changed.
        keys: In order of preference; none for a format without tags.
        text: The provenance.
    """
    present = {key.lower(): key for key in tags}
    for key in keys:
        stored = present.get(key.lower())
        earlier = None if stored is None else find_provenance({key: tags[stored]})
        if stored is None or (earlier is not None and text.startswith(earlier)):
            tags[stored or key] = text
            return
    if keys:
        tags[present[keys[-1].lower()]] += f"\n{text}"


def _plain(name: str) -> str:
    """A name in ASCII; of a path the last part only."""
    last = PureWindowsPath(PurePosixPath(name).name).name or name
    return last.encode("unicode_escape").decode("ascii")
