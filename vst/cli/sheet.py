"""The pictures of `vst styles --sheet`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from vst.errors import VstError

if TYPE_CHECKING:
    from torch import Tensor

    from vst.styles import Style
    from vst.styles.sheet import Cell

LONGER_SIDE = 640
"""A photo is reduced to this side before it is stylized: a cell shows no more detail."""


def thumbnail_cells(styles: Iterable[Style], warn: Callable[[str], None]) -> list[Cell]:
    """A cell for each style with its thumbnail; `warn` gets the message for one that cannot be read."""
    from vst.media.stills.read import read_still

    def thumbnail(style: Style) -> Tensor | None:
        return read_still(Path(style.thumbnail)).image if style.thumbnail else None

    return _cells(styles, thumbnail, "thumbnail cannot be read", warn)


def stylized_cells(
    photo: Path, styles: Iterable[Style], weights_dir: Path | None, warn: Callable[[str], None]
) -> list[Cell]:
    """A cell with the photo, then one for each style with the photo stylized; `warn` gets the failures.

    Raises:
        MediaError: if the photo cannot be read.
    """
    from vst.media.file_errors import check_readable
    from vst.media.stills.read import read_still
    from vst.pipeline import stylize
    from vst.styles.sheet import Cell

    check_readable(photo)
    image = _reduced(read_still(photo).image)

    def stylized(style: Style) -> Tensor:
        mode = "itn" if "itn" in style.modes else style.modes[0]
        return stylize(image, style.name, mode=mode, weights_dir=weights_dir)

    first = Cell("photo", photo.name, picture=image)
    return [first, *_cells(styles, stylized, "could not be stylized", warn)]


def _cells(
    styles: Iterable[Style],
    picture: Callable[[Style], Tensor | None],
    failed: str,
    warn: Callable[[str], None],
) -> list[Cell]:
    from vst.styles.sheet import Cell

    cells = []
    for style in styles:
        try:
            cells.append(Cell(style.name, style.title, style.artist, picture(style)))
        except VstError as error:
            warn(str(error))
            cells.append(Cell(style.name, style.title, style.artist, absent=failed))
    return cells


def _reduced(image: Tensor) -> Tensor:
    import torch.nn.functional as F

    height, width = image.shape[1:]
    scale = LONGER_SIDE / max(height, width)
    if scale >= 1:
        return image
    size = max(1, round(height * scale)), max(1, round(width * scale))
    return F.interpolate(image[None], size, mode="bicubic", antialias=True)[0].clamp(0, 1)
