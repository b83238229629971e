"""The catalogue: which styles there are, and which weight files have them.

A weights folder holds `*.safetensors` and, beside them, `catalog.toml`:

    [styles.candy]
    title = "Candy"
    artist = "..."
    year = "..."
    rights = "..."
    thumbnail = "candy.jpg"

    [files."itn-fast.safetensors"]
    sha256 = "..."

A file that `catalog.toml` does not name is taken at its own word, so that a style that somebody trained
is there as soon as its file is.
"""

from __future__ import annotations

import difflib
import os
import sys
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from vst.errors import UsageError, WeightsError
from vst.networks.body import TransformationBody
from vst.styles.blend import Blend
from vst.styles.weights import WeightsInfo, file_digest, load_network, read_info

CATALOG = "catalog.toml"


@dataclass(frozen=True)
class Style:
    """One entry of the catalogue.

    Attributes:
        name: What the user types.
        title: The painting's name.
        artist: Who painted it.
        year: When.
        rights: Whether the painting is in the public domain.
        thumbnail: A small picture that our own networks painted, or "".
        files: Weight files that have it.
        modes: Modes that can paint it.
    """

    name: str
    title: str = ""
    artist: str = ""
    year: str = ""
    rights: str = ""
    thumbnail: str = ""
    files: tuple[str, ...] = ()
    modes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Catalogue:
    """Everything that was found in the weights folders, the first folder winning.

    Attributes:
        folders: The folders searched that exist, in order.
        styles: By name.
        weights: Weight files by file name.
        digests: The SHA-256 that `catalog.toml` gives, by file name.
        problems: Files that were refused, one line each.
    """

    folders: tuple[Path, ...]
    styles: dict[str, Style]
    weights: dict[str, WeightsInfo]
    digests: dict[str, str]
    problems: tuple[str, ...]

    def choose(self, blend: Blend, mode: str) -> WeightsInfo:
        """The weight file of a mode that has all styles of a blend; the widest where several have.

        Raises:
            UsageError: where a style is unknown, or no file of the mode has them all.
        """
        for name in blend.names:
            if name not in self.styles:
                raise UsageError(self._unknown(name))
        fit = [
            info
            for info in self.weights.values()
            if info.mode == mode and set(blend.names) <= set(info.styles)
        ]
        if fit:
            return max(fit, key=lambda info: info.width)
        for name in blend.names:
            modes = self.styles[name].modes
            if mode not in modes:
                raise UsageError(
                    f"style {name!r} has no weights for mode {mode}; it has {', '.join(modes)}"
                )
        raise UsageError(
            f"no one weight file of mode {mode} has {' and '.join(blend.names)}: they cannot be blended"
        )

    def load(self, blend: Blend, mode: str) -> tuple[TransformationBody, WeightsInfo]:
        """Load what `choose` finds, after its hash was checked.

        Raises:
            UsageError: as `choose`.
            WeightsError: where the file is not what `catalog.toml` or its own description says.
        """
        info = self.choose(blend, mode)
        problem = self._wrong_hash(info)
        if problem:
            raise WeightsError(problem)
        return load_network(info.path)

    def verify(self) -> list[str]:
        """Check every file: hash, names, shapes, numbers. Returns one line a problem."""
        found = list(self.problems)
        for name in self.digests:
            if name not in self.weights and not any(name in problem for problem in self.problems):
                found.append(f"{name} is named in {CATALOG} and missing")
        for info in self.weights.values():
            problem = self._wrong_hash(info)
            if problem is None:
                try:
                    load_network(info.path)
                except WeightsError as error:
                    problem = str(error)
            if problem is not None:
                found.append(problem)
        return found

    def _wrong_hash(self, info: WeightsInfo) -> str | None:
        wanted = self.digests.get(info.path.name)
        if wanted is None or file_digest(info.path) == wanted:
            return None
        return f"{info.path} is not the file that {CATALOG} names (its hash differs); fetch it again"

    def _unknown(self, name: str) -> str:
        if not self.styles:
            where = ", ".join(map(str, self.folders)) or "any weights folder"
            return f"unknown style {name!r}: there are no weights in {where}; give --weights-dir"
        near = difflib.get_close_matches(name, self.styles, 1)
        hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(sorted(self.styles))}"
        return f"unknown style {name!r}: {hint}"


def weight_folders(weights_dir: Path | None = None) -> list[Path]:
    """Where weights are looked for, in order, whether or not the folders exist."""
    folders = [weights_dir] if weights_dir is not None else []
    if os.environ.get("VST_WEIGHTS"):
        folders.append(Path(os.environ["VST_WEIGHTS"]))
    folders.append(user_data_folder() / "weights")
    package = Path(__file__).parents[1]
    # Installed, the package's weights lie inside it; in a checkout, known by its setup.cfg, beside it.
    checkout = (package.parent / "setup.cfg").is_file()
    folders.append(package.parent / "weights" if checkout else package / "_weights")
    return folders


def user_data_folder() -> Path:
    """Where this user's own styles and weights live, by the custom of the system."""
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local")) / "vst"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "vst"
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "vst"


def load_catalogue(weights_dir: Path | None = None) -> Catalogue:
    """Read what is in the weights folders; only descriptions, no weights.

    Raises:
        UsageError: where `weights_dir` is not a folder.
        WeightsError: where a `catalog.toml` cannot be read.
    """
    if weights_dir is not None and not weights_dir.is_dir():
        raise UsageError(
            f"weights folder {weights_dir} does not exist; give a folder with .safetensors files"
        )
    folders = [folder for folder in weight_folders(weights_dir) if folder.is_dir()]
    styles: dict[str, Style] = {}
    weights: dict[str, WeightsInfo] = {}
    digests: dict[str, str] = {}
    problems: list[str] = []
    for folder in folders:
        described = _read_catalog(folder)
        for name, entry in described.get("styles", {}).items():
            title, artist, year, rights = (
                str(entry.get(key, "")) for key in ("title", "artist", "year", "rights")
            )
            picture = folder / str(entry.get("thumbnail", ""))
            styles.setdefault(
                name, Style(name, title, artist, year, rights, str(picture) if picture.is_file() else "")
            )
        for name, entry in described.get("files", {}).items():
            if name not in weights:
                digests.setdefault(name, str(entry.get("sha256", "")))
        for path in sorted(folder.glob("*.safetensors")):
            if path.name in weights:
                continue
            try:
                weights[path.name] = read_info(path)
            except WeightsError as error:
                problems.append(str(error))
    for info in weights.values():
        for name in info.styles:
            styles.setdefault(name, Style(name, title=name))
    named = {name: _with_files(style, weights.values()) for name, style in styles.items()}
    usable = {name: style for name, style in sorted(named.items()) if style.files}
    return Catalogue(tuple(folders), usable, weights, digests, tuple(problems))


def _with_files(style: Style, weights: Iterable[WeightsInfo]) -> Style:
    having = [info for info in weights if style.name in info.styles]
    return replace(
        style,
        files=tuple(str(info.path) for info in having),
        modes=tuple(dict.fromkeys(info.mode for info in having)),
    )


def _read_catalog(folder: Path) -> dict[str, Any]:
    path = folder / CATALOG
    if not path.is_file():
        return {}
    try:
        with open(path, "rb") as stream:
            described = tomllib.load(stream)
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise WeightsError(f"{path} cannot be read ({error}); mend or remove it") from error
    for table in ("styles", "files"):
        entries = described.get(table, {})
        if not isinstance(entries, dict) or not all(isinstance(entry, dict) for entry in entries.values()):
            raise WeightsError(f"{path}: [{table}] has to hold one table a name; mend or remove it")
    return described
