"""What the frames of a render depend on, so that a later run knows whether they are still right."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterable
from pathlib import Path

import av
import cv2
import torch

import vst
from vst.device import precision_name
from vst.errors import MediaError
from vst.media import ClipInfo
from vst.motion import MotionSource
from vst.pipeline.settings import RenderSettings
from vst.styles.weights import file_digest

ENDS = 1 << 20
"""So many bytes of either end of a clip are part of its identity, beside its size and time of change."""

_RESOLVED = ("device", "precision", "threads", "flow", "quality")
"""What these came to, a device or the weights, is looked at in their place."""
_DO_NOT_MATTER = ("overwrite", "resume", "weights_dir", "max_damaged", "min_free", *_RESOLVED)

HASHES = ("the clip", "the weights", "the flow")
"""What is compared without being shown."""

Identity = dict[str, str]


def identity_of(
    settings: RenderSettings,
    clip: ClipInfo,
    device: torch.device,
    precision: torch.dtype,
    weights: Iterable[Path],
    motion: MotionSource | None,
) -> Identity:
    """Everything that frames depend on, by the name under which a user knows it.

    Args:
        settings: What was asked for.
        clip: What it is asked of.
        device: That paints.
        precision: Of the networks.
        weights: Files of the networks.
        motion: Where motion comes from.

    Raises:
        MediaError: If the clip cannot be read.
        WeightsError: If a weight file cannot be read.
    """
    import scenedetect  # here, because it takes its time to load

    found = {
        f"--{field.name.replace('_', '-')}": str(getattr(settings, field.name))
        for field in dataclasses.fields(settings)
        if field.name not in _DO_NOT_MATTER
    }
    found["--device"] = _hardware(device)
    found["--precision"] = precision_name(precision)
    found["--threads"] = str(torch.get_num_threads())
    found["--flow"] = "none" if motion is None else motion.name
    found["the clip"] = _digest_of_clip(clip)
    found["the weights"] = _joined(file_digest(path) for path in weights)
    found["the flow"] = "" if motion is None else motion.digest()
    versions = {"vst": vst, "torch": torch, "av": av, "opencv": cv2, "scenedetect": scenedetect}
    found |= {name: str(module.__version__) for name, module in versions.items()}
    libraries = av.library_versions
    found["ffmpeg"] = " ".join(
        f"{name} {'.'.join(map(str, libraries[name]))}" for name in sorted(libraries)
    )
    return found


def changes(before: Identity, now: Identity) -> list[str]:
    """What is not as it was: ``--style was candy and is wave``, ``the clip has changed``."""
    found = []
    for name in sorted(before.keys() | now.keys(), key=lambda name: (not name.startswith("--"), name)):
        was, became = before.get(name, "unknown"), now.get(name, "unknown")
        if was != became and name in HASHES:
            found.append(f"{name} {'have' if name.endswith('s') else 'has'} changed")
        elif was != became:
            found.append(f"{name} was {_told(was)} and is {_told(became)}")
    return found


def _told(value: str) -> str:
    """A setting as a user would say it."""
    return {"None": "not given", "True": "on", "False": "off"}.get(value, value)


def _hardware(device: torch.device) -> str:
    if device.type == "cuda":
        return f"cuda ({torch.cuda.get_device_name(device)})"
    return f"{device.type} ({torch.backends.cpu.get_cpu_capability()})"


def _joined(parts: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _digest_of_clip(clip: ClipInfo) -> str:
    files = clip.sequence.files if clip.sequence else (clip.path,)
    try:
        return _joined(_digest_of_file(path, content=clip.sequence is None) for path in files)
    except OSError as error:
        raise MediaError(f"cannot read {clip.path}: {error.strerror or error}") from error


def _digest_of_file(path: Path, content: bool) -> str:
    status = path.stat()
    digest = hashlib.sha256(f"{path.name} {status.st_size} {status.st_mtime_ns}".encode())
    if content:
        with path.open("rb") as file:
            digest.update(file.read(ENDS))
            file.seek(max(status.st_size - ENDS, 0))
            digest.update(file.read(ENDS))
    return digest.hexdigest()
