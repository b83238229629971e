"""The file `catalog.toml` of a weights folder: checked when read, kept intact when changed."""

from __future__ import annotations

import contextlib
import itertools
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

from vst.errors import WeightsError
from vst.files import file_digest

CATALOG = "catalog.toml"

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_ESCAPED = re.compile(r'[\x00-\x1f\x7f"\\]')


def read_catalog_file(folder: Path) -> dict[str, Any]:
    """The content of a folder's `catalog.toml`; nothing if there is none.

    Raises:
        WeightsError: where it cannot be read, or `styles` or `files` is not one table a name.
    """
    return _parse(folder / CATALOG, _read(folder / CATALOG))


def record_style(
    folder: Path,
    name: str,
    file: str,
    *,
    title: str = "",
    artist: str = "",
    year: str = "",
    rights: str = "",
    thumbnail: str = "",
    public_domain: bool = False,
) -> None:
    """Describe one style, and one weight file by its hash, in a folder's `catalog.toml`.

    Entries of that style and that file are replaced, all else keeps its meaning; of comments only those at
    the head of the file stay. The file is replaced in one move.

    Args:
        folder: A weights folder.
        name: The style.
        file: Name of a weight file in the folder.
        title: The painting's name.
        artist: Name of the artist.
        year: When.
        rights: What is known of the painting's rights, in words.
        thumbnail: Name of a picture in the folder.
        public_domain: Whether the painting is in the public domain.

    Raises:
        WeightsError: where an existing `catalog.toml` cannot be read, which leaves it unchanged; where
            the weight file is missing; where the folder cannot be written to.
    """
    path = folder / CATALOG
    text = _read(path)
    described = _parse(path, text)
    values = {"title": title, "artist": artist, "year": year, "rights": rights, "thumbnail": thumbnail}
    entry: dict[str, Any] = {key: value for key, value in values.items() if value}
    described.setdefault("styles", {})[name] = entry | ({"public_domain": True} if public_domain else {})
    temporary = path.with_name(f"{CATALOG}.{os.getpid()}.part")
    try:
        described.setdefault("files", {})[file] = {"sha256": file_digest(folder / file)}
        head = itertools.takewhile(lambda line: not line or line.startswith("#"), text.split("\n"))
        written = "\n".join([*head, *_table(described, ())]).strip() + "\n"
        with open(temporary, "w", encoding="utf-8", newline="\n") as stream:
            stream.write(written)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, path)
    except (OSError, ValueError) as error:
        raise WeightsError(f"style {name!r} could not be described in {path}: {error}") from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()


def _read(path: Path) -> str:
    """The text of a file, "" where there is none."""
    if not os.path.lexists(path):
        return ""
    if not os.path.isfile(path):
        raise WeightsError(f"{path} is not a file; remove it")
    try:
        return path.read_bytes().decode("utf-8").replace("\r\n", "\n")
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from error


def _parse(path: Path, text: str) -> dict[str, Any]:
    try:
        described = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise _unreadable(path, error) from error
    for table in ("styles", "files"):
        entries = described.get(table, {})
        if not isinstance(entries, dict) or not all(isinstance(entry, dict) for entry in entries.values()):
            raise WeightsError(f"{path}: [{table}] has to hold one table a name; mend or remove it")
    return described


def _unreadable(path: Path, error: Exception) -> WeightsError:
    return WeightsError(f"{path} cannot be read ({error}); mend or remove it")


def _table(table: Mapping[str, Any], keys: tuple[str, ...]) -> Iterator[str]:
    """The lines of a table: its header, its values, then the tables in it."""
    values = {key: value for key, value in table.items() if not isinstance(value, dict)}
    tables = {key: value for key, value in table.items() if isinstance(value, dict)}
    if keys and (values or not tables):
        yield f"\n[{'.'.join(map(_key, keys))}]"
    for key, value in values.items():
        yield f"{_key(key)} = {_value(value)}"
    for key, value in tables.items():
        yield from _table(value, (*keys, key))


def _key(key: str) -> str:
    return key if _BARE_KEY.fullmatch(key) else _string(key)


def _string(text: str) -> str:
    return '"' + _ESCAPED.sub(lambda found: f"\\u{ord(found[0]):04x}", text) + '"'


def _value(value: Any) -> str:
    """A value as TOML, on one line."""
    match value:
        case str():
            return _string(value)
        case bool():
            return str(value).lower()
        case datetime() | date() | time():
            return value.isoformat()
        case list():
            return "[" + ", ".join(map(_value, value)) + "]"
        case dict():
            return "{" + ", ".join(f"{_key(key)} = {_value(entry)}" for key, entry in value.items()) + "}"
    return repr(value)  # int and float; repr writes inf and nan as TOML does
