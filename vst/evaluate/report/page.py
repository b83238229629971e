"""The page: a table, curves against frame number, the worst frames, and how it was measured.

Everything is in the one file, and nothing in it is fetched: its policy forbids it. Names come from files
and are hostile until they are escaped.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import platform
from collections.abc import Iterable, Sequence
from html import escape
from importlib import resources
from pathlib import Path

import torch

from vst import __version__
from vst.errors import MediaError
from vst.evaluate.panel import INPUT
from vst.evaluate.report.chart import Series, draw_chart, smoothing
from vst.evaluate.report.pictures import data_uri, heat_bar, heat_map, heat_scale
from vst.evaluate.result import Evaluation, Result
from vst.styles.weights import file_digest

MEANINGS = {
    "E": "squared difference to the frame before, moved along by the judge's motion, where that is trusted",
    "e_stab": "root of E",
    "E_warp": "E by trusted pixel",
    "mse": "squared difference of neighbouring frames as they are",
    "ssim": "structural similarity of neighbouring frames; 1 is the same",
    "reappearance": "E of what was out of sight for some frames and is seen again",
    "content": "content loss, relative to the energy of the frame's features",
    "style": "style loss, relative to the energy of the style's",
    "gradient": "mean squared gradient of luma: how much detail there is; blur lowers it",
}
"""Metric -> what it is, in the order of the table."""

_COLOURS = 7
"""Paintings with colours of their own; more of them begin anew, dotted."""

_BASELINE_DASHES = {"blend": "7 4", "paste": "3 3", "still": "9 3 2 3"}


def check_report(path: Path, inputs: Iterable[Path], overwrite: bool) -> None:
    """Raise what would make writing a report fail, before any work is done.

    Raises:
        MediaError: It exists already, is one of the inputs, or cannot be written where it is to be.
    """
    if path.is_dir():
        raise MediaError(f"{path} is a folder: expected the name of a page to write, such as report.html")
    if not path.parent.is_dir():
        raise MediaError(f"the folder {path.parent} does not exist: make it first, or choose another")
    if any(path.exists() and each.exists() and path.samefile(each) for each in inputs):
        raise MediaError(f"{path} is one of the inputs: choose another name for the report")
    if path.exists() and not overwrite:
        raise MediaError(f"{path} exists already: pass -y to overwrite it, or choose another name")
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise MediaError(f"the folder {path.parent} cannot be written to: choose another")


def write_report(found: Evaluation, path: Path) -> None:
    """Write the page; it has its name only when it is whole.

    Raises:
        MediaError: It cannot be written, or a file that was measured is gone.
    """
    text = render_page(found)
    part = path.with_name(f".{path.name}.vst-part")
    try:
        part.write_text(text, "utf-8", errors="backslashreplace")
        os.replace(part, path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise MediaError(f"{path} cannot be written: {error.strerror or error}") from error


def render_page(found: Evaluation) -> str:
    """The whole page as HTML."""
    rows = list(dict.fromkeys(result.name for result in found.results))
    style = _part("report.css") + _row_styles(found, rows)
    script = _part("report.js")
    charts, values = _charts(found, rows)
    policy = (
        "default-src 'none'; img-src data:; style-src 'unsafe-inline'; "
        f"script-src 'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
    )
    title = escape(f"How still it holds: {found.source.name}")
    shots = len(found.cuts) + 1
    beside = f", with {_and(found.judges[1:])} beside it" if found.judges[1:] else ""
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}</title><style>{style}</style></head>\n<body><header><h1>{title}</h1>"
        f'<p class="quiet">{found.frames} frames at {found.width}×{found.height}, '
        f"{shots} shot{'' if shots == 1 else 's'}, judged by {escape(found.judges[0])} "
        f"motion{escape(beside)}.</p></header>\n<main>"
        f"{_notes(found)}{_tables(found, rows)}{charts}{_worst(found)}{_settings(found)}"
        "</main><footer></footer>"
        f'<script type="application/json" id="values">{_json(values)}</script>'
        f"<script>{script}</script></body></html>\n"
    )


def _part(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text("utf-8")


def _json(value: object) -> str:
    """JSON that cannot end the element it stands in."""
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _row_styles(found: Evaluation, rows: Sequence[str]) -> str:
    """Colour and dashes of each row, and how the boxes of the legend hide it."""
    kinds = {result.name: result.kind for result in found.results}
    lines = []
    painted = 0
    for number, name in enumerate(rows):
        if kinds[name] == "painting":
            colour = f"--c{painted % _COLOURS + 1}"
            dash = "" if painted < _COLOURS else "--dash:1.5 3;"
            painted += 1
        else:
            colour = "--c0" if name == INPUT else f"--{name}"
            dash = "" if name == INPUT else f"--dash:{_BASELINE_DASHES[name]};"
        lines.append(f".r{number}{{--c:var({colour});{dash}}}")
        lines.append(f"body:has(#show-{number}:not(:checked)) .curve.r{number}{{display:none}}")
    return "\n".join(lines)


def _notes(found: Evaluation) -> str:
    items = "".join(f"<li>{escape(note)}</li>" for note in found.notes)
    return f'<ul class="notes">{items}</ul>' if items else ""


def _key(number: int) -> str:
    return (
        f'<svg class="key r{number}" viewBox="0 0 26 10" aria-hidden="true">'
        '<line x1="0" x2="26" y1="5" y2="5"/></svg>'
    )


def _tables(found: Evaluation, rows: Sequence[str]) -> str:
    parts = ["<h2>In numbers</h2>"]
    for place, judge in enumerate(found.judges):
        results = found.of_judge(judge)
        names = [name for name in MEANINGS if any(name in each.summary.mean for each in results)]
        if place:
            names = [name for name in names if name in ("E", "e_stab", "E_warp", "reappearance")]
        heads = "".join(
            f'<th scope="col"><abbr title="{MEANINGS[name]}">{name}</abbr></th>' for name in names
        )
        body = "".join(_table_row(each, rows.index(each.name), names) for each in results)
        parts.append(
            f'<div class="scroll" tabindex="0" role="region" aria-label="judged by {escape(judge)} motion">'
            f"<table><caption>Judged by {escape(judge)} motion: the mean, and below it that over the last "
            f'quarter of each shot</caption><thead><tr><th scope="col">output</th>{heads}</tr></thead>'
            f"<tbody>{body}</tbody></table></div>"
        )
    meanings = "".join(f"<dt>{name}</dt><dd>{text}</dd>" for name, text in MEANINGS.items())
    parts.append(f"<details><summary>What the columns are</summary><dl>{meanings}</dl></details>")
    return "".join(parts)


def _table_row(result: Result, number: int, names: Sequence[str]) -> str:
    cells = []
    for name in names:
        mean, late = (each.get(name) for each in (result.summary.mean, result.summary.last_quarter))
        small = "" if late is None else f"<small>{late:.3g}</small>"
        cells.append(f"<td>{'' if mean is None else f'{mean:.3g}'}{small}</td>")
    return f'<tr><th scope="row">{_key(number)}{escape(result.name)}</th>{"".join(cells)}</tr>'


def _charts(found: Evaluation, rows: Sequence[str]) -> tuple[str, dict[str, object]]:
    """The curves with their legend, and the values that the script reads."""
    first = found.judges[0]
    # What came back is known to the judge that follows the clip, which is not the exact one.
    back = next((each.judge for each in found.results if "reappearance" in each.summary.mean), first)
    sections = (
        (
            "Neighbouring frames",
            "Each frame and the one before it, as they are: flicker lifts the first and lowers the second.",
            (("mse", first, "Mean squared error"), ("ssim", first, "Structural similarity")),
        ),
        (
            "Temporal error",
            "The same after the frame before was moved along by the judge's motion: what is left is no "
            "motion of the scene.",
            (
                *(("E", judge, f"E, judged by {judge} motion") for judge in found.judges),
                ("E_warp", first, f"E_warp, judged by {first} motion"),
            ),
        ),
        (
            "Drift",
            "A number that creeps within a shot, while the input's does not, is paint that parts from the "
            "scene, blurs or piles up.",
            (
                ("gradient", first, "Gradient energy"),
                ("content", first, "Content loss"),
                ("style", first, "Style loss"),
                ("reappearance", back, f"Reappearance, judged by {back} motion"),
            ),
        ),
    )
    boxes = "".join(
        f'<label class="r{number}"><input type="checkbox" id="show-{number}" checked>{_key(number)}'
        f"{escape(name)}</label>"
        for number, name in enumerate(rows)
    )
    parts = [f'<h2>Frame by frame</h2><fieldset class="legend"><legend>Show</legend>{boxes}</fieldset>']
    said = []
    if found.cuts:
        places = [str(cut + 1) for cut in found.cuts]
        shown = (
            _and(places) if len(places) <= 12 else f"{', '.join(places[:12])} and {len(places) - 12} more"
        )
        said.append(f"Dashed upright lines are cuts, before frame {shown}.")
    if smoothing(found.frames) > 1:
        said.append(
            f"Thin lines are single frames, the others means over {smoothing(found.frames)} of them."
        )
    if said:
        parts.append(f'<p class="quiet">{" ".join(said)}</p>')
    values: dict[str, object] = {}
    for heading, text, charts in sections:
        drawn = []
        for metric, judge, title in charts:
            series = _series(found.of_judge(judge), metric, rows)
            if not series:
                continue
            name = f"c{len(values)}"
            values[name] = _values(found, found.of_judge(judge), metric, rows)
            svg = draw_chart(name, title, series, found.frames, [cut + 1 for cut in found.cuts])
            drawn.append(
                f'<div class="plot"><h3>{escape(title)}</h3>{svg}<output aria-live="off"></output></div>'
            )
        if drawn:
            parts.append(f"<h2>{heading}</h2><p>{text}</p>{''.join(drawn)}")
    return "".join(parts), {"frames": found.frames, "rows": list(rows), "charts": values}


def _series(results: Sequence[Result], metric: str, rows: Sequence[str]) -> list[Series]:
    found = []
    for result in results:
        runs: dict[int, list[tuple[int, float]]] = {}
        for point in result.points:
            if metric in point.values:
                runs.setdefault(point.shot, []).append((point.index + 1, point.values[metric]))
        if runs:
            found.append(Series(rows.index(result.name), list(runs.values())))
    return found


def _values(
    found: Evaluation, results: Sequence[Result], metric: str, rows: Sequence[str]
) -> list[list[float | None] | None]:
    """By row, by frame; four digits are more than a chart shows."""
    values: list[list[float | None] | None] = [None] * len(rows)
    for result in results:
        own: list[float | None] = [None] * found.frames
        for point in result.points:
            if metric in point.values:
                own[point.index] = float(f"{point.values[metric]:.4g}")
        if any(value is not None for value in own):
            values[rows.index(result.name)] = own
    return values


def _worst(found: Evaluation) -> str:
    every = [frame for frames in found.worst.values() for frame in frames]
    if not every:
        return ""
    scale = heat_scale(every)
    parts = [
        f"<h2>Worst frames</h2><p>Where E is largest, judged by {escape(found.judges[0])} motion: the "
        "clip, the painting, and how far it is from the neighbouring painting moved along. Dark grey is "
        "not judged: it was hidden, or its motion is not trusted.</p>"
        f'<div class="bar">0<img src="{data_uri(heat_bar())}" alt="from black by red to yellow">'
        f"{255 * scale:.0f} of 255</div>"
    ]
    for name, frames in found.worst.items():
        if frames:
            parts.append(f"<h3>{escape(name)}</h3>")
        for frame in frames:
            number = frame.index + 1
            pictures = (
                (frame.frame, f"the clip at frame {number}"),
                (frame.painting, f"{name} at frame {number}"),
                (heat_map(frame, scale), f"where {name} differs from its neighbour at frame {number}"),
            )
            images = "".join(
                f'<img src="{data_uri(picture)}" alt="{escape(text)}" width="{picture.shape[-1]}" '
                f'height="{picture.shape[-2]}">'
                for picture, text in pictures
            )
            caption = f"frame {number}, E {frame.error:.3g}"
            parts.append(f'<figure class="worst">{images}<figcaption>{caption}</figcaption></figure>')
    return "".join(parts)


def _settings(found: Evaluation) -> str:
    settings = found.settings
    files = [("clip", found.source), *found.paintings.items()]
    lines: list[tuple[str, str]] = [
        (escape(name), f"{escape(str(path))}<br>{_digest(path)}") for name, path in files
    ]
    lines += [
        ("judges", escape(_and(found.judges))),
        ("measured at", f"{found.width}×{found.height}, in 8 bits, bicubic warps"),
        ("frames", f"{found.frames}" + (f" at most {settings.frames}" if settings.frames else "")),
        ("device", escape(f"{settings.device}, {settings.precision}")),
    ]
    if settings.styles:
        lines.append(("style", escape(f"{_and(settings.styles)}, longer side {settings.style_size}")))
        lines.append(("loss network", escape(settings.loss_network or "from torch's cache")))
    versions = f"vst {__version__}, PyTorch {torch.__version__}, Python {platform.python_version()}"
    lines.append(("versions", escape(versions)))
    items = "".join(f"<dt>{name}</dt><dd>{text}</dd>" for name, text in lines)
    return (
        "<h2>How it was measured</h2><p>The values of every frame: <code>vst evaluate … --json</code>.</p>"
        f"<dl>{items}</dl>"
    )


def _digest(path: Path) -> str:
    if path.is_dir():
        return "a folder"
    try:
        return f"<code>SHA-256 {file_digest(path)}</code>"
    except OSError as error:
        raise MediaError(f"{path} cannot be read any more: {error.strerror or error}") from error


def _and(names: Sequence[str]) -> str:
    return " and ".join((", ".join(names[:-1]), names[-1])) if len(names) > 1 else "".join(names)
