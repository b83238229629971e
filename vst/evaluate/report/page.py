"""The page: a table, curves against frame number, the worst frames, and how they were measured.

Everything is in one file, and its content security policy forbids any request. File names are hostile until
they are escaped.
"""

from __future__ import annotations

import base64
import hashlib
import json
import platform
from collections.abc import Sequence
from html import escape
from importlib import resources
from pathlib import Path

import torch
from torch import Tensor

from vst import __version__
from vst.errors import MediaError
from vst.evaluate.metrics import METRICS
from vst.evaluate.metrics.metric import Metric
from vst.evaluate.recorder import INPUT
from vst.evaluate.report.curves import draw_curves
from vst.evaluate.report.heat_map import data_uri, heat_bar, heat_map, heat_scale, texture_map
from vst.evaluate.report.text import joined, legend_key
from vst.evaluate.result import Evaluation, EvaluationRow
from vst.files import file_digest

_COLOURS = 7
"""Outputs with a colour of their own; further ones repeat them, dotted."""

_BASELINE_DASHES = {"blend": "7 4", "paste": "3 3", "still": "9 3 2 3"}


def render_page(found: Evaluation) -> str:
    """The whole page as HTML.

    Raises:
        MediaError: A measured file was removed.
    """
    rows = list(dict.fromkeys(result.name for result in found.rows))
    style = _resource("report.css") + _row_styles(found, rows)
    script = _resource("report.js")
    charts, values = draw_curves(found, rows)
    policy = (
        "default-src 'none'; img-src data:; style-src 'unsafe-inline'; "
        f"script-src 'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
    )
    title = escape(f"Temporal stability: {found.source.name}")
    shots = len(found.cuts) + 1
    second = f"; second: {joined(found.references[1:])}" if found.references[1:] else ""
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}</title><style>{style}</style></head>\n<body><header><h1>{title}</h1>"
        f'<p class="quiet">{found.frames} frames at {found.width}×{found.height}, '
        f"{shots} shot{'' if shots == 1 else 's'}; reference flow: {escape(found.references[0])}"
        f"{escape(second)}.</p></header>\n<main>"
        f"{_notes(found)}{_tables(found, rows)}{charts}{_worst(found)}{_texture(found)}{_settings(found)}"
        "</main><footer></footer>"
        f'<script type="application/json" id="values">{_json(values)}</script>'
        f"<script>{script}</script></body></html>\n"
    )


def _resource(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text("utf-8")


def _json(value: object) -> str:
    """JSON that cannot end the element that contains it."""
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _row_styles(found: Evaluation, rows: Sequence[str]) -> str:
    """Colour and dashes of each row, and how the boxes of the legend hide it."""
    kinds = {result.name: result.kind for result in found.rows}
    lines = []
    outputs = 0
    for number, name in enumerate(rows):
        if kinds[name] == "painting":
            colour = f"--c{outputs % _COLOURS + 1}"
            dash = "" if outputs < _COLOURS else "--dash:1.5 3;"
            outputs += 1
        else:
            colour = "--c0" if name == INPUT else f"--{name}"
            dash = "" if name == INPUT else f"--dash:{_BASELINE_DASHES[name]};"
        lines.append(f".r{number}{{--c:var({colour});{dash}}}")
        lines.append(f"body:has(#show-{number}:not(:checked)) .curve.r{number}{{display:none}}")
    return "\n".join(lines)


def _notes(found: Evaluation) -> str:
    items = "".join(f"<li>{escape(note)}</li>" for note in found.notes)
    return f'<ul class="notes">{items}</ul>' if items else ""


def _tables(found: Evaluation, rows: Sequence[str]) -> str:
    parts = ["<h2>Means</h2>"]
    for place, reference in enumerate(found.references):
        results = found.under(reference)
        metrics = [
            metric
            for name, metric in METRICS.items()
            # What does not depend on the flow is in the first table.
            if any(name in each.summary.mean for each in results) and (metric.uses_motion or not place)
        ]
        heads = "".join(
            f'<th scope="col"><abbr title="{escape(metric.definition)}">{escape(metric.name)}</abbr></th>'
            for metric in metrics
        )
        body = "".join(_table_row(each, rows.index(each.name), metrics) for each in results)
        name = escape(reference)
        parts.append(
            f'<div class="scroll" tabindex="0" role="region" aria-label="reference flow {name}">'
            f"<table><caption>Reference flow: {name}. The mean over the clip, and below it that over the "
            f'last quarter of each shot</caption><thead><tr><th scope="col">output</th>{heads}</tr></thead>'
            f"<tbody>{body}</tbody></table></div>"
        )
    definitions = "".join(
        f"<dt>{escape(metric.name)}</dt><dd>{escape(_definition(metric))}</dd>"
        for metric in METRICS.values()
    )
    parts.append(f"<details><summary>Definitions of the columns</summary><dl>{definitions}</dl></details>")
    return "".join(parts)


def _definition(metric: Metric) -> str:
    unit = f", in {metric.unit}" if metric.unit else ""
    return f"{metric.definition}{unit}; better: {metric.better}"


def _table_row(result: EvaluationRow, number: int, metrics: Sequence[Metric]) -> str:
    cells = []
    for metric in metrics:
        mean, late = (each.get(metric.name) for each in (result.summary.mean, result.summary.last_quarter))
        small = "" if late is None else f"<small>{escape(metric.show(late))}</small>"
        cells.append(f"<td>{escape(metric.show(mean))}{small}</td>")
    return f'<tr><th scope="row">{legend_key(number)}{escape(result.name)}</th>{"".join(cells)}</tr>'


def _worst(found: Evaluation) -> str:
    every = [frame for frames in found.worst.values() for frame in frames]
    if not every:
        return ""
    scale = heat_scale(every)
    parts = [
        f"<h2>Worst frames</h2><p>Where E is largest, reference flow: {escape(found.references[0])}. "
        "Each has the input, the output, and its difference to the adjacent output after warping. Dark "
        "grey pixels are not compared: they are occluded, or the flow is not trusted there.</p>"
        f'<div class="bar">0<img src="{data_uri(heat_bar())}" alt="from black by red to yellow">'
        f"{255 * scale:.0f} of 255</div>"
    ]
    for name, frames in found.worst.items():
        if frames:
            parts.append(f"<h3>{escape(name)}</h3>")
        for frame in frames:
            number = frame.index + 1
            pictures = (
                (frame.frame, f"the input at frame {number}"),
                (frame.output, f"{name} at frame {number}"),
                (
                    heat_map(frame, scale),
                    f"where {name} differs from the adjacent output at frame {number}",
                ),
            )
            parts.append(_figure(pictures, f"frame {number}, E {METRICS['E'].show(frame.error)}"))
    return "".join(parts)


def _texture(found: Evaluation) -> str:
    if not found.texture:
        return ""
    parts = [
        "<h2>Soft and rough windows</h2><p>The frame of each output that has most of them: the per-frame "
        "stylization, the output, and the windows with less than half of its detail energy in blue, with "
        "more than twice in red.</p>"
    ]
    for name, frame in found.texture.items():
        number = frame.index + 1
        pictures = (
            (frame.per_frame, f"the per-frame stylization at frame {number}"),
            (frame.output, f"{name} at frame {number}"),
            (texture_map(frame), f"soft and rough windows of {name} at frame {number}"),
        )
        soft, rough = METRICS["soft"].show(frame.soft), METRICS["rough"].show(frame.rough)
        caption = f"frame {number}, soft {soft}, rough {rough}"
        parts.append(f"<h3>{escape(name)}</h3>{_figure(pictures, caption)}")
    return "".join(parts)


def _figure(pictures: Sequence[tuple[Tensor, str]], caption: str) -> str:
    """Pictures side by side, each with a text for those who cannot see it, and a caption."""
    images = "".join(
        f'<img src="{data_uri(picture)}" alt="{escape(text)}" width="{picture.shape[-1]}" '
        f'height="{picture.shape[-2]}">'
        for picture, text in pictures
    )
    return f'<figure class="worst">{images}<figcaption>{caption}</figcaption></figure>'


def _settings(found: Evaluation) -> str:
    settings = found.settings
    files = [("clip", found.source), *found.outputs.items()]
    lines: list[tuple[str, str]] = [
        (escape(name), f"{escape(str(path))}<br>{_digest(path)}") for name, path in files
    ]
    lines += [
        ("reference flow", escape(joined(found.references))),
        ("compared at", f"{found.width}×{found.height}, in 8 bits, bicubic warps"),
        ("frames", f"{found.frames}" + (f" at most {settings.frames}" if settings.frames else "")),
        ("device", escape(f"{settings.device}, {settings.precision}")),
    ]
    if settings.styles:
        lines.append(("style", escape(f"{joined(settings.styles)}, longer side {settings.style_size}")))
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
