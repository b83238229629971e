"""`vst evaluate-flow`: estimators against true flow."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vst.cli.console import Console, console_of
from vst.cli.options import device_option, precision_option, talk_options
from vst.cli.tables import show_table

if TYPE_CHECKING:
    from vst.evaluate.flow import FlowScore

COLUMNS = (
    "estimator",
    "EPE",
    "matched",
    "occluded",
    "Fl-all %",
    "mask precision",
    "mask recall",
    "ms/pair",
)


@click.command("evaluate-flow")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--flow",
    "names",
    multiple=True,
    default=("auto",),
    show_default=True,
    metavar="NAME",
    help="An estimator; give it again for several side by side.",
)
@click.option(
    "--layout",
    metavar="LAYOUT",
    help="middlebury, sintel, sintel-final, kitti or chairs; found out unless given.",
)
@click.option(
    "--pairs", type=click.IntRange(min=1), metavar="N", help="At most so many pairs, evenly spread."
)
@device_option
@precision_option
@talk_options
@click.pass_context
def evaluate_flow_command(
    context: click.Context,
    folder: Path,
    names: tuple[str, ...],
    layout: str | None,
    pairs: int | None,
    device: str,
    precision: str,
) -> None:
    """Measure optical flow on FOLDER, a data set with true flow.

    In the layout of Middlebury, Sintel, KITTI or FlyingChairs; of the last, with its split beside it, the
    pairs for validation. The mean end-point error EPE is in pixels,
    of all, of matched and of occluded ones; Fl-all is the part of pixels that are wrong by more than 3
    pixels and 5 %; the mask is the forward-backward consistency mask against true occlusion; the time is
    that of both directions.
    """
    console = console_of(context)
    from vst.device import choose_device, choose_precision
    from vst.evaluate.flow import ZeroFlow, evaluate_flow
    from vst.evaluate.flow_data import find_pairs, spread
    from vst.motion import create_estimator

    layout, found = find_pairs(folder, layout)
    chosen = found if pairs is None else spread(found, pairs)
    place = choose_device(device)
    kind = choose_precision(precision, place)
    estimators = [create_estimator(name, device=place, precision=kind) for name in dict.fromkeys(names)]
    rows = []
    with _progress(console, (1 + len(estimators)) * len(chosen)) as advance:
        for estimator in (ZeroFlow(), *estimators):
            score = evaluate_flow(chosen, estimator, lambda pair: advance())
            rows.append({"layout": layout, "pairs": len(chosen), **_row(estimator.name, score)})
    console.message(f"{folder}: {layout}, {len(chosen)} pair{'' if len(chosen) == 1 else 's'}")
    if console.json:
        show_table(console, (), rows)
    else:
        show_table(console, COLUMNS, (_cells(row) for row in rows))


def _row(name: str, score: FlowScore) -> dict[str, Any]:
    """All numbers; None for what the data set or the estimator cannot say."""
    numbers = {
        "epe": score.epe,
        "epe_matched": score.epe_matched,
        "epe_occluded": score.epe_occluded,
        "fl_all": score.fl_all,
        "mask_precision": score.mask.precision,
        "mask_recall": score.mask.recall,
        "seconds": score.pair_seconds,
    }
    return {"estimator": name, **{key: None if math.isnan(each) else each for key, each in numbers.items()}}


def _cells(row: dict[str, Any]) -> dict[str, str]:
    def cell(key: str, digits: int, factor: float = 1) -> str:
        return "" if row[key] is None else f"{row[key] * factor:.{digits}f}"

    numbers = (
        cell("epe", 3),
        cell("epe_matched", 3),
        cell("epe_occluded", 3),
        cell("fl_all", 2),
        cell("mask_precision", 3),
        cell("mask_recall", 3),
        cell("seconds", 1, 1000),
    )
    return dict(zip(COLUMNS, (row["estimator"], *numbers), strict=True))


@contextlib.contextmanager
def _progress(console: Console, total: int) -> Iterator[Callable[[], None]]:
    """A bar on a terminal, nothing elsewhere."""
    if console.quiet or not console.on_terminal:
        yield lambda: None
        return
    from rich.progress import Progress

    with Progress(console=console.stderr, transient=True) as bars:
        task = bars.add_task("pairs", total=total)
        yield lambda: bars.advance(task)
