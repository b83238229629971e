"""The fingerprint of a render: everything that its frames depend on.

``--resume`` compares the fingerprint in a work folder with that of the present render.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

import av
import cv2
import torch

import vst
from vst.device import precision_name
from vst.errors import MediaError
from vst.files import file_digest
from vst.media import ClipInfo
from vst.modes.backend_choice import BackendChoice
from vst.motion import MotionSource
from vst.pipeline.optimisation import section_of
from vst.pipeline.options import Effect, options_of, recorded_values
from vst.pipeline.settings import RenderSettings
from vst.stream_paths import is_stream

_END_BYTES = 1 << 20
"""Bytes at either end of a clip that are hashed, beside its size and modification time."""

BACKEND = "--backend"
"""The entry with the name of the backend; what `auto` chose is taken over by runs that continue."""

HASHES = ("the clip", "the weights", "the masks", "the flow")
"""Entries whose values are compared, but not shown."""

Fingerprint = dict[str, str]
"""What frames depend on, by the name that users know it by: an option, a file, a library."""


def fingerprint_of(
    settings: RenderSettings,
    clip: ClipInfo,
    device: torch.device,
    precision: torch.dtype,
    weights: Iterable[Path],
    motion: MotionSource | None,
    backend: BackendChoice = BackendChoice(),  # noqa: B008 — frozen
    masks: Iterable[ClipInfo] = (),
) -> Fingerprint:
    """The fingerprint of a render.

    It contains the values of options with `Effect.FRAMES`. For options with other effects it contains what
    they select, which are the other arguments.

    Args:
        settings: The render's options.
        clip: The clip.
        device: Device of the networks.
        precision: Floating-point type of the networks.
        weights: Files of the networks.
        motion: Source of the motion; None for a mode without motion.
        backend: What runs the network.
        masks: Files of the masks.

    Raises:
        MediaError: If the clip cannot be read.
        WeightsError: If a weight file cannot be read.
    """
    values = recorded_values(settings, Effect.FRAMES, section=section_of(settings.mode))
    flags = {each.name: each.flag for each in options_of(settings)}
    found = {flags[name]: value for name, value in values.items()}
    has_shots = not clip.is_still
    found |= machine_fingerprint(device, precision, weights, motion, backend, has_shots=has_shots)
    found["the clip"] = _digest_of_clip(clip)
    found["the masks"] = _joined(map(_digest_of_clip, masks))
    return found


def machine_fingerprint(
    device: torch.device,
    precision: torch.dtype,
    weights: Iterable[Path],
    motion: MotionSource | None,
    backend: BackendChoice,
    *,
    has_shots: bool = True,
) -> Fingerprint:
    """What frames depend on beside the clip and its options: hardware, weights and versions.

    Args:
        device: Device of the networks.
        precision: Floating-point type of the networks.
        weights: Files of the networks.
        motion: Source of the motion; None for a mode without motion.
        backend: What runs the network.
        has_shots: Whether shots are looked for; a picture has none.

    Raises:
        WeightsError: If a weight file cannot be read.
    """
    found = {
        "--device": _hardware(device),
        "--precision": precision_name(precision),
        BACKEND: backend.name,
        "--threads": str(torch.get_num_threads()),
        "--flow": "none" if motion is None else motion.name,
        "the weights": _joined(file_digest(path) for path in weights),
        "the flow": "" if motion is None else motion.digest(),
    }
    versions = {"vst": vst, "torch": torch, "av": av, "opencv": cv2}
    if has_shots:
        import scenedetect  # here, because it takes long to load

        versions["scenedetect"] = scenedetect
    found |= {name: str(module.__version__) for name, module in versions.items()}
    if backend.version:
        found[backend.name] = backend.version
    libraries = av.library_versions
    found["ffmpeg"] = " ".join(
        f"{name} {'.'.join(map(str, libraries[name]))}" for name in sorted(libraries)
    )
    return found


def changes(before: Fingerprint, now: Fingerprint) -> list[str]:
    """Differences in words: ``--style was candy and is wave``, ``the clip has changed``."""
    found = []
    for name in sorted(before.keys() | now.keys(), key=lambda name: (not name.startswith("--"), name)):
        was, became = before.get(name, "unknown"), now.get(name, "unknown")
        if was != became and name in HASHES:
            found.append(f"{name} {'have' if name.endswith('s') else 'has'} changed")
        elif was != became:
            found.append(f"{name} was {_in_words(was)} and is {_in_words(became)}")
    return found


def _in_words(value: str) -> str:
    """A recorded value as messages show it."""
    return {"None": "not given", "()": "not given", "True": "on", "False": "off"}.get(value, value)


def _hardware(device: torch.device) -> str:
    if device.type == "cuda":
        return f"cuda ({torch.cuda.get_device_name(device)})"
    return f"{device.type} ({torch.backends.cpu.get_cpu_capability()})"


def _joined(parts: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _digest_of_clip(clip: ClipInfo) -> str:
    if is_stream(clip.path):
        return "a stream"  # which no later run can continue
    files = clip.sequence.files if clip.sequence else (clip.path,)
    try:
        return _joined(_digest_of_file(path, content=clip.sequence is None) for path in files)
    except OSError as error:
        raise MediaError(f"cannot read {clip.path}: {error.strerror or error}") from error


def _digest_of_file(path: Path, content: bool) -> str:
    status = path.stat()
    digest = hashlib.sha256(
        f"{path.name} {status.st_size} {status.st_mtime_ns}".encode(errors="surrogateescape")
    )
    if content:
        with path.open("rb") as file:
            digest.update(file.read(_END_BYTES))
            file.seek(max(status.st_size - _END_BYTES, 0))
            digest.update(file.read(_END_BYTES))
    return digest.hexdigest()
