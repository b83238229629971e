"""The catalogue: which styles there are, and which weight files have them.

A weights folder holds `*.safetensors` and, beside them, `catalog.toml`:

    [styles.candy]
    title = "Candy"
    artist = "..."
    year = "..."
    rights = "..."
    public_domain = true
    thumbnail = "candy.jpg"

    [files."itn-fast.safetensors"]
    sha256 = "..."

Of a file that `catalog.toml` does not list, its own description is used, so a newly trained style is in
the catalogue as soon as its file is in a folder.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from vst.errors import UsageError, WeightsError, suggestion
from vst.files import file_digest, user_data_folder
from vst.styles.blend import Blend
from vst.styles.catalog_file import CATALOG, read_catalog_file
from vst.styles.quality import BEST, STANDARD_WIDTH, wide_enough
from vst.styles.selection import Selection, select
from vst.styles.weights_file import WeightsInfo, read_info

CHECKPOINT = "checkpoint.safetensors"
"""State of an unfinished training run: not a weight file, though it may be in a weights folder."""


@dataclass(frozen=True)
class Style:
    """One entry of the catalogue.

    Attributes:
        name: What the user types.
        title: The painting's name.
        artist: Name of the artist.
        year: When.
        rights: What is known of the painting's rights, in words.
        public_domain: Whether the catalogue says that the painting is in the public domain.
        thumbnail: A small picture stylized by our own networks, or "".
        files: Weight files that have it.
        modes: Modes with weights for it.
    """

    name: str
    title: str = ""
    artist: str = ""
    year: str = ""
    rights: str = ""
    thumbnail: str = ""
    public_domain: bool = False
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

    def choose(self, blend: Blend, mode: str, quality: str = BEST, *, luminance: bool = False) -> Selection:
        """The weight files of a mode for a blend: the widest one that has all its styles.

        Where none has, several whose convolutions have the same digest and that have the styles together.

        Args:
            blend: The styles.
            mode: Whose files.
            quality: `best` as above; `fast` takes the narrowest, `standard` only those of `STANDARD_WIDTH`
                or more.
            luminance: Only files that were trained on luminance alone; otherwise only others.

        Raises:
            UsageError: where a style or quality is unknown, or no files of the mode have the styles all
                together in that quality.
        """
        for name in blend.names:
            if name not in self.styles:
                raise UsageError(self._unknown(name))
        of_mode = [
            info for info in self.weights.values() if info.mode == mode and info.luminance == luminance
        ]
        selection = select(blend.names, of_mode, quality)
        if selection is not None:
            return selection
        if luminance:
            raise UsageError(_why_no_luminance(blend.names, mode, self.weights.values()))
        for name in blend.names:
            modes = self.styles[name].modes
            if mode not in modes:
                raise UsageError(
                    f"style {name!r} has no weights for mode {mode}; give --mode {' or '.join(modes)}"
                )
        fit = wide_enough(of_mode, quality)
        narrow = [name for name in blend.names if not any(name in info.styles for info in fit)]
        if narrow:
            lacking = " and ".join(map(repr, narrow))
            raise UsageError(
                f"quality {quality!r} asks for weights of width {STANDARD_WIDTH} or more, which mode "
                f"{mode} lacks for {lacking}; give --quality {BEST} for the widest there are"
                + "".join(f", or --mode {other}" for other in self._modes_with(blend.names, quality))
            )
        why = _why_apart(blend.names, fit)
        raise UsageError(f"{why}, or give --quality {BEST}" if select(blend.names, of_mode) else why)

    def _modes_with(self, names: tuple[str, ...], quality: str) -> list[str]:
        """The modes with weights of a quality for all of some styles."""
        by_mode: dict[str, list[WeightsInfo]] = {}
        for info in self.weights.values():
            if not info.luminance:
                by_mode.setdefault(info.mode, []).append(info)
        return [mode for mode, infos in by_mode.items() if select(names, infos, quality)]

    def check_digests(self, selection: Selection) -> None:
        """Compare the hash of every file of a selection with the catalogue's.

        Raises:
            WeightsError: A file is not the one that `catalog.toml` lists.
        """
        for info in selection.files:
            problem = self.wrong_hash(info)
            if problem:
                raise WeightsError(problem)

    def check_free(self, name: str, overwrite: bool = False) -> None:
        """Refuse a name for a new style that another has.

        Raises:
            UsageError: where there is a style of that name, unless it may be overwritten and is the user's.
        """
        if name not in self.styles:
            return
        if not overwrite:
            raise UsageError(f"there is a style {name!r} already; give another --name, or -y to replace it")
        shared = [path for path in self.styles[name].files if not Path(path).name.startswith(f"{name}-")]
        if shared:
            raise UsageError(f"style {name!r} is one of {Path(shared[0]).name}'s; give another --name")

    def bases(self, modes: Sequence[str], names: Sequence[str] = (), widest: bool = False) -> list[Path]:
        """Weight files to which a style can be added, one a mode.

        Args:
            modes: Which modes.
            names: Files to choose from, with or without their suffix; none: all.
            widest: The widest of a mode's files; else the narrowest. Of equals the one with most styles.

        Raises:
            UsageError: for a name that is no weight file, or one of luminance alone, or a mode without any.
        """
        stems = {info.path.stem: info for info in self.weights.values()}
        for name in names:
            if name.removesuffix(".safetensors") not in stems:
                raise UsageError(f"no weight file {name!r}: {suggestion(name, sorted(stems))}")
        wanted = [stems[name.removesuffix(".safetensors")] for name in names] or list(stems.values())
        gray = next((info.path.name for info in wanted if names and info.luminance), None)
        if gray is not None:
            raise UsageError(
                f"{gray} was trained on luminance alone, and no style can be added to it: train one with "
                "'vst train MODE --luminance'"
            )
        found = []
        for mode in modes:
            fit = [info for info in wanted if info.mode == mode and not info.luminance]
            if not fit and not names:
                raise UsageError(f"there are no weights for mode {mode} to add a style to")
            sign = 1 if widest else -1
            if fit:
                best = max(fit, key=lambda info: (sign * info.grade, len(info.styles)))
                problem = self.wrong_hash(best)
                if problem:
                    raise WeightsError(problem)
                found.append(best.path)
        return found

    def missing(self) -> list[str]:
        """One line for each file that `catalog.toml` lists and no folder has."""
        return [
            f"{name} is named in {CATALOG} and missing"
            for name in self.digests
            if name not in self.weights and not any(name in problem for problem in self.problems)
        ]

    def wrong_hash(self, info: WeightsInfo) -> str | None:
        """The line on a file whose hash is not the one that `catalog.toml` gives; None if it is."""
        wanted = self.digests.get(info.path.name)
        if wanted is None or file_digest(info.path) == wanted:
            return None
        return f"{info.path} is not the file that {CATALOG} names (its hash differs); fetch it again"

    def _unknown(self, name: str) -> str:
        if not self.styles:
            where = ", ".join(map(str, self.folders)) or "any weights folder"
            return f"unknown style {name!r}: there are no weights in {where}; give --weights-dir"
        over_time = "; over time it is '0s:candy 5s:wave'" if " " in name else ""
        return f"unknown style {name!r}: {suggestion(name, self.styles)}{over_time}"


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
        described = read_catalog_file(folder)
        for name, entry in described.get("styles", {}).items():
            title, artist, year, rights = (
                str(entry.get(key, "")) for key in ("title", "artist", "year", "rights")
            )
            thumbnail = _thumbnail(folder, str(entry.get("thumbnail", "")))
            free = entry.get("public_domain") is True
            styles.setdefault(name, Style(name, title, artist, year, rights, thumbnail, free))
        for name, entry in described.get("files", {}).items():
            if name not in weights:
                digests.setdefault(name, str(entry.get("sha256", "")))
        for path in sorted(set(folder.glob("*.safetensors")) - {folder / CHECKPOINT}):
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


def _thumbnail(folder: Path, name: str) -> str:
    """The path of a style's thumbnail, or "" where there is none inside the folder."""
    relative = Path(name)
    path = str(folder / relative)
    inside = not relative.is_absolute() and ".." not in relative.parts
    return path if inside and os.path.isfile(path) else ""


def _with_files(style: Style, weights: Iterable[WeightsInfo]) -> Style:
    having = [info for info in weights if style.name in info.styles]
    return replace(
        style,
        files=tuple(str(info.path) for info in having),
        modes=tuple(dict.fromkeys(info.mode for info in having)),
    )


def _why_no_luminance(names: Sequence[str], mode: str, weights: Iterable[WeightsInfo]) -> str:
    """Why there is no network that was trained on luminance alone, and what to do."""
    known: dict[str, set[str]] = {}
    for info in weights:
        if info.luminance:
            known.setdefault(info.mode, set()).update(info.styles)
    there = "".join(
        f"; mode {each} has them for {', '.join(sorted(styles))}" for each, styles in sorted(known.items())
    )
    return (
        f"no weights of mode {mode} were trained on luminance alone for {' and '.join(map(repr, names))}"
        f"{there}: train some with 'vst train {mode} --luminance', or give --colour keep"
    )


def _why_apart(names: Sequence[str], weights: Sequence[WeightsInfo]) -> str:
    """Why styles that each have weights cannot be blended: which files have them, and what to do."""
    having = {name: [info for info in weights if name in info.styles] for name in names}
    places = ", ".join(
        f"{name!r} is in {' and '.join(info.path.name for info in files)}" for name, files in having.items()
    )
    unmarked = [info.path.name for files in having.values() for info in files if not info.body]
    if unmarked:
        reason = f"{unmarked[0]} has no digest of its convolutions; fetch or train it again"
    else:
        # What somebody added lies in a file with few styles, what it should go with in one with many.
        added = min(names, key=lambda name: max(len(info.styles) for info in having[name]))
        others = [info for name in names if name != added for info in having[name]]
        target = max(others, key=lambda info: len(info.styles)).path.name
        reason = f"their networks differ; add {added!r} again for the network of {target}"
    return f"{' and '.join(names)} cannot be blended: {places}; {reason}"
