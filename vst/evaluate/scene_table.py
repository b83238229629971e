"""Table 6.1 of the thesis, and the curves of its figures 6.51 and 6.52, from a folder in Sintel's layout.

Every scene is rendered in every style and mode, and measured with the exact flow of the data set.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path

from vst.errors import MediaError, UsageError
from vst.evaluate.evaluation import evaluate
from vst.evaluate.evaluation_settings import EvaluateSettings
from vst.evaluate.recorder import INPUT
from vst.evaluate.report import write_report
from vst.evaluate.result import Evaluation
from vst.evaluate.sintel import FRAME_PATTERN, SintelScene, find_scenes
from vst.evaluate.table_files import CURVES, TABLE, write_tables
from vst.files import check_new_file
from vst.progress import Progress
from vst.styles.blend import parse_blend

SQUARED_LEVELS = 255.0**2
"""E in 8-bit levels, as in the thesis, whose table has values of 29 to 75, relative to E on 0..1."""

Watch = Callable[[str], AbstractContextManager[Callable[[Progress], None]]]
"""The title of a piece of work, to what is called after every frame of it."""


RenderScene = Callable[[Path, Path, str, str, Callable[[Progress], None]], None]
"""Renders an image sequence: (pattern of the frames, such as ``clean/alley_1/frame_%04d.png``, pattern of
the stylized frames, style, mode, what to call after every frame)."""


@dataclass(frozen=True)
class SceneEvaluation:
    """One scene in one style, in all modes.

    Attributes:
        scene: Name of the scene.
        style: The style.
        evaluation: Its rows are the input, the modes and the baselines.
    """

    scene: str
    style: str
    evaluation: Evaluation

    def error(self, row: str) -> float | None:
        """E of a row in squared 8-bit levels; None where no frame has exact flow."""
        for each in self.evaluation.under(self.evaluation.references[0]):
            if each.name == row and "E" in each.summary.mean:
                return SQUARED_LEVELS * each.summary.mean["E"]
        return None


@dataclass(frozen=True)
class SceneTable:
    """Scenes in several styles and modes.

    Attributes:
        styles: In the order given.
        modes: The same.
        evaluations: One for each scene and style; scenes in order.
        notes: What was reused or left out, one line each.
    """

    styles: tuple[str, ...]
    modes: tuple[str, ...]
    evaluations: tuple[SceneEvaluation, ...]
    notes: tuple[str, ...]

    def errors(self) -> list[dict[str, str | float | None]]:
        """Table 6.1: for each scene E of the input and of every style and mode, in squared 8-bit levels.

        A last row has the means over scenes, if there are several.
        """
        rows: dict[str, dict[str, str | float | None]] = {}
        for each in self.evaluations:
            row = rows.setdefault(each.scene, {"scene": each.scene, INPUT: each.error(INPUT)})
            row.update({f"{each.style} {mode}": each.error(mode) for mode in self.modes})
        table = list(rows.values())
        if len(table) > 1:
            columns = [name for name in table[0] if name != "scene"]
            table.append(
                {"scene": "mean", **{name: _mean([row[name] for row in table]) for name in columns}}
            )
        return table

    def ratios(self) -> list[dict[str, str | float | None]]:
        """For each scene E of every further mode relative to the first one."""
        first, *others = self.modes
        return [
            {
                "scene": row["scene"],
                **{
                    f"{style} {mode} / {first}": _ratio(row[f"{style} {mode}"], row[f"{style} {first}"])
                    for style in self.styles
                    for mode in others
                },
            }
            for row in self.errors()
        ]


def evaluate_scenes(
    folder: Path,
    output: Path,
    *,
    styles: Sequence[str],
    modes: Sequence[str],
    render: RenderScene,
    watch: Watch,
    scenes: Sequence[str] = (),
    settings: EvaluateSettings | None = None,
    overwrite: bool = False,
    stop: threading.Event | None = None,
) -> SceneTable:
    """Render and measure scenes; write the stylized frames, a report for each scene and style, and tables.

    Stylized frames that exist in full are measured again and not rendered, unless `overwrite` is set.

    Args:
        folder: In Sintel's layout.
        output: Folder to write.
        styles: Names of styles.
        modes: Names of modes; ratios are relative to the first one.
        render: Renders one scene.
        watch: Shows progress.
        scenes: Names of scenes; none takes all.
        settings: Of the evaluation. With `style_images`, content and style are measured as well.
        overwrite: Whether an existing table and stylized frames are replaced.
        stop: Set it to stop after the current frame.

    Raises:
        UsageError: for an unknown scene, or a style or mode that is given twice.
        MediaError: for an incomplete data set, or a table that exists already.
        VstError: whatever else prevents a render or an evaluation.
    """
    settings = settings or EvaluateSettings()
    for kind, names in (("style", styles), ("mode", modes)):
        if len(set(names)) != len(names) or not names:
            raise UsageError(f"{kind}s are {', '.join(names) or 'not given'}; expected each {kind} once")
    found = find_scenes(folder, tuple(scenes))
    _prepare(output, overwrite)
    evaluations, notes = [], []
    for scene in found:
        for style in styles:
            label = parse_blend(style).label
            rendered = []
            for mode in modes:
                target = output / "frames" / label / scene.name / mode
                rendered.append(target)
                title = f"{scene.name}, {style}, {mode}"
                if not overwrite and _is_complete(target, scene, settings.frames):
                    notes.append(
                        f"{title}: measured the existing frames in {target}; -y renders them again"
                    )
                    continue
                target.mkdir(parents=True, exist_ok=True)
                with watch(title) as progress:
                    render(scene.folder / FRAME_PATTERN, target / FRAME_PATTERN, style, mode, progress)
            own = replace(settings, scene=scene.name, styles=(style,) if settings.style_images else ())
            with watch(f"{scene.name}, {style}, evaluation") as progress:
                evaluation = evaluate(folder, rendered, own, progress=progress, stop=stop)
            write_report(evaluation, output / f"{scene.name}.{label}.html")
            evaluations.append(SceneEvaluation(scene.name, style, evaluation))
    write_tables(output, [(each.scene, each.style, each.evaluation) for each in evaluations])
    return SceneTable(
        tuple(styles), tuple(modes), tuple(evaluations), (*notes, *_common_notes(evaluations))
    )


def _prepare(output: Path, overwrite: bool) -> None:
    """Create the folder, and check that the tables can be written into it."""
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MediaError(f"folder {output} cannot be created: {error.strerror or error}") from error
    for name in (TABLE, CURVES):
        check_new_file(output / name, overwrite)


def _common_notes(evaluations: Sequence[SceneEvaluation]) -> Iterator[str]:
    """The notes of evaluations: those of all of them once, others with their scene and style."""
    places: dict[str, list[str]] = {}
    for each in evaluations:
        for note in each.evaluation.notes:
            places.setdefault(note, []).append(f"{each.scene}, {each.style}")
    for note, where in places.items():
        if len(where) == len(evaluations):
            yield note
        else:
            yield from (f"{place}: {note}" for place in where)


def _is_complete(folder: Path, scene: SintelScene, limit: int | None) -> bool:
    wanted = scene.frames if limit is None else min(limit, scene.frames)
    return len(list(folder.glob("frame_*.png"))) >= wanted


def _mean(values: Sequence[str | float | None]) -> float | None:
    numbers = [value for value in values if isinstance(value, float)]
    return math.fsum(numbers) / len(numbers) if len(numbers) == len(values) else None


def _ratio(one: str | float | None, other: str | float | None) -> float | None:
    return one / other if isinstance(one, float) and isinstance(other, float) and other else None
