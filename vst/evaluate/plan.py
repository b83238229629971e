"""What is to be measured by what: settled, and said, before anything is opened."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch

from vst.device import choose_device, choose_precision
from vst.errors import UsageError
from vst.evaluate.curves import Perceptual
from vst.evaluate.judge import check_judge
from vst.evaluate.panel import BASELINES, INPUT, Carried
from vst.evaluate.perceptual import perceptual_losses
from vst.evaluate.settings import EvaluateSettings
from vst.evaluate.sintel import SintelScene, find_scene
from vst.motion.files.recorded import is_recorded
from vst.styles.loss_network import cached_loss_network, load_loss_network
from vst.styles.painting import painting_of, read_painting

_PER_FRAME = re.compile(r"(?<![a-z])itn(?![a-z])", re.IGNORECASE)
"""In the name of a painting: it was made by the mode that has no memory."""


@dataclass(frozen=True)
class Plan:
    """What a source, paintings and settings come to.

    Attributes:
        scene: The scene of a data set, or None for a clip.
        second: Name of the estimator beside the first, or None.
        paintings: Files by name of the row.
        carried: What the baselines are made of.
        device: Where networks run.
        precision: Of those that estimate flow.
        perceptual: Content and style losses by painting; empty where they are left out.
        notes: What was chosen or left out, one line each.
    """

    scene: SintelScene | None
    second: str | None
    paintings: dict[str, Path]
    carried: Carried
    device: torch.device
    precision: torch.dtype
    perceptual: dict[str, Perceptual] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def make_plan(source: Path, files: Sequence[Path], settings: EvaluateSettings) -> Plan:
    """Choose what the settings leave open, and refuse what cannot be meant.

    Raises:
        UsageError: for settings that do not go together or with the files.
        MediaError: for a data set that is not complete.
        WeightsError: for a loss network that is not there.
        VstError: for an estimator that is not ready.
    """
    if not files:
        raise UsageError(f"no painting of {source} is given: expected one or more files")
    check_judge(settings.flow)
    scene = _scene(source, settings.scene)
    second = _second(settings, scene is not None)
    paintings, carried, said = _carried(list(files), settings.baseline)
    device = choose_device(settings.device)
    losses, remark = _perceptual(list(paintings), settings, device)
    precision = choose_precision(settings.precision, device)
    return Plan(scene, second, paintings, carried, device, precision, losses, (said, remark))


def name_rows(files: Sequence[Path]) -> dict[str, Path]:
    """Paintings by name of their rows: the file's name, or the whole path where names are alike.

    Raises:
        UsageError: One is given twice.
    """
    reserved = {INPUT, *BASELINES}
    names = [path.name for path in files]
    rows: dict[str, Path] = {}
    for path in files:
        name = str(path) if names.count(path.name) > 1 or path.name in reserved else path.name
        if name in rows or name in reserved:
            raise UsageError(f"{path} cannot be told from another row: give each file once, by its path")
        rows[name] = path
    return rows


def _scene(source: Path, name: str | None) -> SintelScene | None:
    if source.is_dir() and (name is not None or any(source.rglob("frame_*.flo"))):
        return find_scene(source, name)
    if name is not None:
        raise UsageError(f"--scene is for a folder in Sintel's layout, and {source} is none: leave it out")
    return None


def _second(settings: EvaluateSettings, exact: bool) -> str | None:
    given = settings.second
    if given == "none" or (given == "auto" and exact):
        return None
    if given == "auto":
        return "dis" if settings.flow == "farneback" else "farneback"
    if is_recorded(given):
        raise UsageError(f"--second {given} is flow that was kept: give it as --flow")
    check_judge(given)
    return given


def _carried(files: list[Path], baseline: Path | None) -> tuple[dict[str, Path], Carried, str]:
    """The rows, a baseline among them; what blend, paste and still are made of, and what to say of that."""
    if baseline is not None:
        place = next((i for i, path in enumerate(files) if _same(path, baseline)), len(files))
        rows = name_rows(files if place < len(files) else [*files, baseline])
        name = list(rows)[place]
        return rows, Carried(name), f"blend, paste and still are made of {name}"
    rows = name_rows(files)
    for name, path in rows.items():
        if _PER_FRAME.search(path.stem):
            said = f"{name} has itn in its name, so blend, paste and still are made of it"
            return rows, Carried(name), f"{said}; --baseline FILE names another"
    name = next(iter(rows))
    said = (
        "blend is left out: it needs a painting of each frame for itself (--mode itn), as --baseline FILE"
    )
    return rows, Carried(name, per_frame=False), f"{said}; paste and still are made of {name}"


def _same(one: Path, other: Path) -> bool:
    return one == other or (one.exists() and other.exists() and one.samefile(other))


def _perceptual(
    rows: list[str], settings: EvaluateSettings, device: torch.device
) -> tuple[dict[str, Perceptual], str]:
    """Content and style losses by row, and what to say of them."""
    if not settings.styles:
        return {}, "content and style are left out: give --style with the picture of the style"
    if len(settings.styles) not in (1, len(rows)):
        raise UsageError(
            f"{len(settings.styles)} styles for {len(rows)} paintings; expected one for all, or one each"
        )
    files = [painting_of(style, settings.style_images) for style in settings.styles]
    name = settings.loss_network or cached_loss_network()
    if name is None:
        return {}, (
            "content and style are left out: there is no loss network here; 'vst weights fetch vgg19' gets "
            "one, or give --loss-network"
        )
    network = load_loss_network(name).to(device)
    losses = {
        file: perceptual_losses(network, read_painting(file, settings.style_size))
        for file in dict.fromkeys(files)
    }
    each = files if len(files) > 1 else files * len(rows)
    said = f"content and style are measured by {name}, on one frame of {settings.loss_every} of each shot"
    return {row: losses[file] for row, file in zip(rows, each, strict=True)}, said
