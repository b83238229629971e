"""`vst evaluate-flow`: flow estimators against ground truth."""

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
    from vst.evaluate.flow_accuracy import FlowScore

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
    help="A flow estimator; repeat it to compare several.",
)
@click.option(
    "--layout",
    metavar="LAYOUT",
    help="middlebury, sintel, sintel-final, kitti or chairs; detected by default.",
)
@click.option(
    "--pairs", type=click.IntRange(min=1), metavar="N", help="Maximal number of pairs, evenly spread."
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
    """Measure optical flow on FOLDER, a data set with ground truth.

    Layouts: Middlebury, Sintel, KITTI and FlyingChairs (with its split file beside it, the validation
    pairs only). EPE is the mean end-point error in pixels, of all, of matched and of occluded pixels.
    Fl-all is the share of pixels that are wrong by more than 3 pixels and 5 %. The mask is the
    forward-backward consistency mask against true occlusion. The time is that of both directions.
    """
    console = console_of(context)
    from vst.device import choose_device, choose_precision
    from vst.evaluate.flow_accuracy import ZeroFlow, evaluate_flow
    from vst.evaluate.flow_datasets import find_pairs, spread
    from vst.motion import create_estimator

    layout, found = find_pairs(folder, layout)
    used = found if pairs is None else spread(found, pairs)
    chosen_device = choose_device(device)
    dtype = choose_precision(precision, chosen_device)
    estimators = [
        create_estimator(name, device=chosen_device, precision=dtype) for name in dict.fromkeys(names)
    ]
    rows = []
    with _progress(console, (1 + len(estimators)) * len(used)) as advance:
        for estimator in (ZeroFlow(), *estimators):
            score = evaluate_flow(used, estimator, lambda pair: advance())
            rows.append({"layout": layout, "pairs": len(used), **_row(estimator.name, score)})
    console.message(f"{folder}: {layout}, {len(used)} pair{'' if len(used) == 1 else 's'}")
    if console.json:
        show_table(console, (), rows)
    else:
        show_table(console, COLUMNS, (_cells(row) for row in rows))


def _row(name: str, score: FlowScore) -> dict[str, Any]:
    """All numbers; None where the data set does not define them."""
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
