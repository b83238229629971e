"""The inputs of an evaluation, resolved from its settings before any file is opened."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch

from vst.device import choose_device, choose_precision
from vst.errors import UsageError
from vst.evaluate.evaluation_settings import EvaluateSettings
from vst.evaluate.metrics.metric import ContentStyleFunction
from vst.evaluate.metrics.perceptual import content_style_function
from vst.evaluate.recorder import BASELINES, INPUT, BaselineSource
from vst.evaluate.reference import check_reference
from vst.evaluate.sintel import SintelScene, find_scene
from vst.motion.files.recorded import is_recorded
from vst.styles.loss_network import cached_loss_network, load_loss_network
from vst.styles.painting import painting_of, read_painting

_PER_FRAME = re.compile(r"(?<![a-z])itn(?![a-z])", re.IGNORECASE)
"""Found in the name of a file that a per-frame mode made."""


@dataclass(frozen=True)
class ResolvedInputs:
    """What a clip, its outputs and the settings resolve to.

    Attributes:
        scene: The scene of a data set, or None for a clip.
        second: Name of the second estimator, or None.
        outputs: Files by name of the row.
        baseline_source: What the baselines are computed from.
        device: Where networks run.
        precision: Of those that estimate flow.
        content_style: Content and style losses by output; empty where they are left out.
        notes: What was chosen or left out, one line each.
    """

    scene: SintelScene | None
    second: str | None
    outputs: dict[str, Path]
    baseline_source: BaselineSource
    device: torch.device
    precision: torch.dtype
    content_style: dict[str, ContentStyleFunction] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def resolve_inputs(source: Path, files: Sequence[Path], settings: EvaluateSettings) -> ResolvedInputs:
    """Choose what the settings leave open, and refuse invalid ones.

    Args:
        source: The clip, or a folder in Sintel's layout.
        files: The outputs.
        settings: What to measure with.

    Raises:
        UsageError: for settings that do not fit each other or the files.
        MediaError: for an incomplete data set.
        WeightsError: for a missing loss network.
        VstError: for an estimator that is not ready.
    """
    if not files:
        raise UsageError(f"no stylized version of {source} is given: expected one or more files")
    check_reference(settings.flow)
    scene = _scene(source, settings.scene)
    second = _second(settings, scene is not None)
    outputs, baseline_source, baseline_note = _baseline_source(list(files), settings.baseline)
    device = choose_device(settings.device)
    losses, loss_note = _content_style(list(outputs), settings, device)
    precision = choose_precision(settings.precision, device)
    notes = (baseline_note, loss_note)
    return ResolvedInputs(scene, second, outputs, baseline_source, device, precision, losses, notes)


def name_rows(files: Sequence[Path]) -> dict[str, Path]:
    """Outputs by name of their rows: the file's name, or the whole path where names are equal.

    Raises:
        UsageError: One is given twice.
    """
    reserved = {INPUT, *BASELINES}
    names = [path.name for path in files]
    rows: dict[str, Path] = {}
    for path in files:
        name = str(path) if names.count(path.name) > 1 or path.name in reserved else path.name
        if name in rows or name in reserved:
            raise UsageError(f"two rows would be named {name}: give each file once, by its path")
        rows[name] = path
    return rows


def _scene(source: Path, name: str | None) -> SintelScene | None:
    if source.is_dir() and (name is not None or any(source.rglob("frame_*.flo"))):
        return find_scene(source, name)
    if name is not None:
        raise UsageError(f"--scene needs a folder in Sintel's layout, and {source} is none: leave it out")
    return None


def _second(settings: EvaluateSettings, exact: bool) -> str | None:
    given = settings.second
    if given == "none" or (given == "auto" and exact):
        return None
    if given == "auto":
        return "dis" if settings.flow == "farneback" else "farneback"
    if is_recorded(given):
        raise UsageError(f"--second is {given}; expected an estimator: give recorded flow as --flow")
    check_reference(given)
    return given


def _baseline_source(
    files: list[Path], baseline: Path | None
) -> tuple[dict[str, Path], BaselineSource, str]:
    """The rows, the baseline file among them; what baselines are computed from, and the note on that."""
    if baseline is not None:
        place = next((i for i, path in enumerate(files) if _same(path, baseline)), len(files))
        rows = name_rows(files if place < len(files) else [*files, baseline])
        name = list(rows)[place]
        return rows, BaselineSource(name), f"blend, paste and still are computed from {name}"
    rows = name_rows(files)
    for name, path in rows.items():
        if _PER_FRAME.search(path.stem):
            note = f"blend, paste and still are computed from {name}, since its name contains itn"
            return rows, BaselineSource(name), f"{note}; --baseline FILE names another"
    name = next(iter(rows))
    note = "blend is left out: it needs the output of a per-frame mode (--mode itn), as --baseline FILE"
    return (
        rows,
        BaselineSource(name, per_frame=False),
        f"{note}; paste and still are computed from {name}",
    )


def _same(one: Path, other: Path) -> bool:
    return one == other or (one.exists() and other.exists() and one.samefile(other))


def _content_style(
    rows: list[str], settings: EvaluateSettings, device: torch.device
) -> tuple[dict[str, ContentStyleFunction], str]:
    """Content and style losses by row, and the note on them."""
    if not settings.styles:
        return {}, "content and style are left out: give --style PICTURE, or --style-images FOLDER"
    if len(settings.styles) not in (1, len(rows)):
        raise UsageError(
            f"{len(settings.styles)} styles for {len(rows)} outputs; expected one for all, or one each"
        )
    files = [painting_of(style, settings.style_images) for style in settings.styles]
    name = settings.loss_network or cached_loss_network()
    if name is None:
        return {}, (
            "content and style are left out: no loss network is installed; run 'vst weights fetch vgg19', "
            "or give --loss-network"
        )
    network = load_loss_network(name).to(device)
    losses = {
        file: content_style_function(network, read_painting(file, settings.style_size))
        for file in dict.fromkeys(files)
    }
    each = files if len(files) > 1 else files * len(rows)
    note = f"content and style are measured by {name}, at one frame of {settings.loss_every} of each shot"
    return {row: losses[file] for row, file in zip(rows, each, strict=True)}, note
