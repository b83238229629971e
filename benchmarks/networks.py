"""Our own networks: those of the weight files that a benchmark was pointed at, and of no others."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from vst.device import choose_precision
from vst.errors import UsageError
from vst.files import file_digest
from vst.frame import Frame
from vst.modes import Stylizer, check_mode, find_mode, load_selection
from vst.modes.network_runner import NetworkRunner
from vst.pipeline.session import StylizerSession
from vst.styles import Blend, Selection, read_info
from vst.styles.catalog import CHECKPOINT
from vst.styles.quality import BEST, FAST, STANDARD, STANDARD_WIDTH
from vst.styles.selection import select

SHIPPED = Path(__file__).parents[1] / "weights"
QUALITY = FAST
"""What tables are made in unless told otherwise: modes are compared at one width, and that one all have."""


def find_weights(
    place: str | None, mode: str, styles: Sequence[str], quality: str = BEST
) -> Selection | None:
    """The weight files of a mode that have some styles; the widest unless told otherwise, as in a render.

    Those of luminance alone are for another `--colour`, and are not among them.

    Unlike the catalogue's, the search never leaves the place: figures must not come from a file that
    happens to lie elsewhere.

    Args:
        place: A folder, a file, or a pattern for the files of one folder; None for the checkout's own.
        mode: Its name.
        styles: Their names.
        quality: One of ``QUALITIES``.

    Returns:
        The files, or None if none there fit.

    Raises:
        UsageError: where there is no such mode or quality, or no file at the place.
        WeightsError: for a file that is not one of ours.
    """
    check_mode(mode)
    found = map(read_info, _files(place))
    return select(styles, [info for info in found if info.mode == mode and not info.luminance], quality)


def need_weights(place: str | None, mode: str, styles: Sequence[str], quality: str = QUALITY) -> Selection:
    """As ``find_weights``, but the narrowest unless told otherwise.

    Raises:
        UsageError: also where no file fits.
    """
    selection = find_weights(place, mode, styles, quality)
    if selection is None:
        wide = quality == STANDARD
        raise UsageError(
            f"no weights of mode {mode}{f' and width {STANDARD_WIDTH} or more' if wide else ''} have "
            f"{' and '.join(styles)} in {place or SHIPPED}; give another --weights-dir"
            f"{' or --quality' if wide else ''}"
        )
    return selection


class PictureMode:
    """Stylizes each frame as a picture of its own, as a render does, without files.

    Args:
        stylizer: Stylizes.
    """

    def __init__(self, stylizer: Stylizer) -> None:
        self._session = StylizerSession(stylizer)

    def step(self, frame: Frame) -> Tensor:
        """See `MeasuredMode.step`."""
        self._session.begin_shot()
        return self._session.advance(frame)


def open_mode(selection: Selection, *parts: tuple[str, float]) -> PictureMode:
    """A mode that stylizes pictures as a render on the CPU does.

    Args:
        selection: From ``find_weights``.
        parts: Styles and how much of each, in sum 1.
    """
    device = torch.device("cpu")
    mixture = Blend(parts).mixture(selection.styles)
    runner = NetworkRunner(load_selection(selection), mixture, device, choose_precision("auto", device))
    return PictureMode(find_mode(selection.files[0].mode).stylizer_factory(runner))


def described(selection: Selection) -> dict[str, object]:
    """What was measured, for JSON."""
    first = selection.files[0]
    return {
        "files": {info.path.name: file_digest(info.path) for info in selection.files},
        "mode": first.mode,
        "width": first.width,
        "precision": str(choose_precision("auto", torch.device("cpu"))).removeprefix("torch."),
    }


def _files(place: str | None) -> list[Path]:
    path = SHIPPED if place is None else Path(place)
    if path.is_file():
        return [path]
    found = path.glob("*.safetensors") if path.is_dir() else path.parent.glob(path.name)
    files = sorted(file for file in found if file.suffix == ".safetensors" and file.name != CHECKPOINT)
    if not files:
        raise UsageError(f"there are no weights at {path}; give a folder, file or pattern of .safetensors")
    return files
