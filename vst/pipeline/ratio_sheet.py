"""The sheet of content/style ratio against layer (Gatys 2015, figure 3): one frame, one painting."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import torch
import torch.nn.functional as F
from PIL import Image

from vst.device import choose_device
from vst.errors import Interrupted, UsageError
from vst.frame import Frame
from vst.media.file_errors import check_readable
from vst.media.segments.transaction import incomplete_name
from vst.media.stills.read import read_still
from vst.modes.create import create_optimiser
from vst.modes.optimisation.schedule import cost, level_sizes, steps_within
from vst.modes.optimisation.stylizer import OptimisingStylizer
from vst.pipeline.frame_size import output_size
from vst.pipeline.memory_estimate import explained_memory
from vst.pipeline.optimisation import check_preview, config_of, precision_of, resolve
from vst.pipeline.optimisation_run import StepWatcher, duration
from vst.pipeline.settings import RenderSettings
from vst.pipeline.threads import arithmetic_threads
from vst.progress import Progress, progress_now
from vst.styles.grid_sheet import draw_grid
from vst.styles.painting_style import PaintingStyle
from vst.styles.sheet import check_sheet, write_sheet

RATIOS = (0.001, 0.01, 0.05, 0.2)
"""Of the content weight to the style weight."""

SIDE = 192
"""Short side of the pictures in pixels, unless a size is given."""

MOST_CELLS = 64


@dataclass(frozen=True)
class SheetReport:
    """What was drawn.

    Attributes:
        output: The sheet.
        ratios: Its columns.
        layers: Its rows: the layers at which style is compared, up to and with the last one.
        seconds: Wall time.
    """

    output: Path
    ratios: tuple[float, ...]
    layers: tuple[tuple[str, ...], ...]
    seconds: float


def make_ratio_sheet(
    photo: Path,
    settings: RenderSettings,
    output: Path,
    ratios: Sequence[float] = RATIOS,
    *,
    progress: Callable[[Progress], None] | None = None,
    stop: threading.Event | None = None,
    begun: Callable[[str], None] | None = None,
) -> SheetReport:
    """Optimise a picture at several content weights and style layers, and draw all of them on one sheet.

    All begin with noise. Columns have a ratio of the weights each. Rows compare style at one more layer
    each, from the first one on: larger structures of the painting come in.

    Args:
        photo: The picture.
        settings: Of mode gatys: the painting, and how pixels are optimised. The style weight and the steps
            are those of each cell, the seconds those of all together.
        output: The sheet, .png or .jpg.
        ratios: Of the content weight to the style weight.
        progress: Called after every step and every cell.
        stop: Set it to stop after the step in progress.
        begun: Called with each note before the start.

    Raises:
        UsageError: A ratio is not positive; or the sheet's extension is not one of pictures.
        MediaError: A picture cannot be read, or the sheet not written.
        Interrupted: `stop` was set; the cells so far are kept under a name with `.incomplete`.
    """
    began = time.monotonic()
    if not ratios or not all(0 < each < math.inf for each in ratios):
        raise UsageError(f"ratios are {', '.join(map(str, ratios)) or 'none'}; expected numbers above 0")
    check_readable(photo)
    check_sheet(output, photo, settings.overwrite)
    style, device = resolve(settings), choose_device(settings.device)
    assert isinstance(style, PaintingStyle)
    check_preview(settings, photo, output, style.pictures)
    frame = _frame(photo, settings)
    with arithmetic_threads(settings.threads), explained_memory(device):
        first = create_optimiser(
            style,
            config_of(settings),
            device=device,
            precision=precision_of(settings, device),
            pooling=settings.pooling,
        )
        rows = _rows(first.source.layers, settings)
        count = len(rows) * len(ratios)
        if count > MOST_CELLS:
            raise UsageError(
                f"{len(rows)} layers and {len(ratios)} ratios make {count} cells; expected at most "
                f"{MOST_CELLS}: give fewer with --style-layers or --ratios"
            )
        steps = _steps(first, frame, settings, count, begun)
        cells: list[list[Image.Image | None]] = [[None] * len(ratios) for _ in rows]
        watcher = StepWatcher(stop, progress, settings.preview, count)
        done = 0
        for row, layers in enumerate(rows):
            for column, ratio in enumerate(ratios):
                cell = _cell_of(first, layers, ratio)
                cell.steps, cell.watch = steps, watcher
                image = cell.stylize(frame, None)
                if cell.interrupted:
                    break
                cells[row][column] = _picture(image)
                done += 1
                now = progress_now(done, count, began, "stylize")
                watcher.counting(progress)(now)
            if cell.interrupted:
                break
    names = [f"content/style {_ratio_text(each)}" for each in ratios]
    titles = [f"{'to ' if row else ''}{layers[-1]}" for row, layers in enumerate(rows)]
    sheet = draw_grid(f"{photo.name} as {', '.join(_names(style))}", names, titles, cells)
    written = output if done == count else incomplete_name(output)
    write_sheet(written, sheet)
    if done < count:
        raise Interrupted(f"stopped after {done} of {count} cells; the sheet so far is {written}")
    return SheetReport(written, tuple(ratios), tuple(rows), time.monotonic() - began)


def _frame(photo: Path, settings: RenderSettings) -> Frame:
    image = read_still(photo).image[:3]
    width, height = output_size(image.shape[2], image.shape[1], settings, SIDE)
    if image.shape[1:] != (height, width):
        image = F.interpolate(image[None], (height, width), mode="bicubic", antialias=True)[0].clamp(0, 1)
    return Frame(0, Fraction(0), Fraction(1), image.float())


def _rows(available: Sequence[str], settings: RenderSettings) -> list[tuple[str, ...]]:
    """The style layers of each row."""
    given = tuple(name for name, _ in config_of(settings).style_layers)
    if not given:
        given = tuple(each for each in available if each.endswith("_1"))
    return [given[: number + 1] for number in range(len(given))]


def _steps(
    stylizer: OptimisingStylizer,
    frame: Frame,
    settings: RenderSettings,
    count: int,
    begun: Callable[[str], None] | None,
) -> int:
    """The steps of each cell, and the notes on them."""
    height, width = frame.image.shape[-2:]
    sizes, each = level_sizes(width, height, settings.levels), stylizer.seconds_a_step(width, height)
    steps = stylizer.steps
    if settings.seconds is not None:
        steps = steps_within(settings.seconds / count / each, sizes)
    seconds = count * each * cost(sizes, steps)
    if begun is not None:
        for note in stylizer.notes:
            begun(note)
        begun(f"{steps} steps: about {duration(seconds)} for {count} pictures of {width}×{height}")
    return steps


def _cell_of(first: OptimisingStylizer, layers: Sequence[str], ratio: float) -> OptimisingStylizer:
    """A stylizer with the loss network and the paintings of another one.

    It begins with noise, as in the paper: begun with the frame, much of that stays at any ratio.
    """
    config = replace(
        first.config,
        style_layers=tuple((layer, 1.0) for layer in layers),
        content_weight=ratio * first.config.style_weight,
        from_noise=True,
    )
    return type(first)(first.source, first.styles[0].paintings, config)


def _picture(image: torch.Tensor) -> Image.Image:
    pixels = ((image + 1) * 127.5).round().clamp(0, 255).byte().cpu()
    return Image.fromarray(pixels.permute(1, 2, 0).contiguous().numpy())


def _ratio_text(ratio: float) -> str:
    return f"{ratio:.6f}".rstrip("0").rstrip(".") if ratio >= 1e-6 else f"{ratio:g}"


def _names(style: PaintingStyle) -> list[str]:
    return [path.stem for path in style.paintings]
