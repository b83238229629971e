"""What stands after `--style`, resolved once: the blend, the mode and the weight files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from vst.errors import UsageError
from vst.styles.blend import Blend, parse_blend
from vst.styles.catalog import Catalogue, load_catalogue
from vst.styles.quality import BEST
from vst.styles.selection import Selection


@dataclass(frozen=True)
class ResolvedStyle:
    """A style or blend, and the weight files of one mode that have it.

    Attributes:
        blend: Styles and their shares.
        mode: Name of the mode.
        selection: The weight files, with the styles that each provides.
        catalogue: Where they were found, with the hashes that it lists.
    """

    blend: Blend
    mode: str
    selection: Selection
    catalogue: Catalogue

    @property
    def files(self) -> tuple[Path, ...]:
        """The weight files."""
        return tuple(info.path for info in self.selection.files)

    def file_of(self, name: str) -> Path:
        """The weight file that one of the blend's styles comes from."""
        return next(info.path for info, names in self.selection.parts if name in names)

    @property
    def mixture(self) -> list[float]:
        """The share of each style of the network that the files make; sums to 1."""
        return self.blend.mixture(self.selection.styles)


def resolve_style(
    style: str, mode: str, *, quality: str = BEST, weights_dir: Path | None = None
) -> ResolvedStyle:
    """Find the weight files of a style or blend. They are neither hashed nor loaded.

    Args:
        style: `candy`, or a blend such as `candy:0.6+wave:0.4`.
        mode: Name of the mode.
        quality: `best`, `standard` or `fast`.
        weights_dir: Searched before the usual folders.

    Raises:
        UsageError: The style or quality is unknown, or the mode has no weights for the style.
    """
    return resolve_blend(parse_blend(style), mode, quality=quality, weights_dir=weights_dir)


def resolve_blend(
    blend: Blend,
    mode: str,
    *,
    quality: str = BEST,
    weights_dir: Path | None = None,
    luminance: bool = False,
) -> ResolvedStyle:
    """As `resolve_style`, for a blend.

    Args:
        blend: Styles that one network has to have together.
        mode: Name of the mode.
        quality: `best`, `standard` or `fast`.
        weights_dir: Searched before the usual folders.
        luminance: Whether the network has to be one that was trained on luminance alone; others are not.

    Raises:
        UsageError: as `resolve_style`.
    """
    if blend.pictures:
        picture = next(name for name in blend.names if name in blend.pictures)
        raise UsageError(
            f"no network of mode {mode} has learned {picture}: pass --mode gatys, which needs none, or "
            "teach it to one with 'vst style add'"
        )
    catalogue = load_catalogue(weights_dir)
    selection = catalogue.choose(blend, mode, quality, luminance=luminance)
    return ResolvedStyle(blend, mode, selection, catalogue)
