"""Examines the installation for `vst doctor`.

It has to work on a broken installation: each check imports what it needs by itself.
"""

from __future__ import annotations

import importlib
import platform
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from vst import __version__
from vst.errors import VstError
from vst.findings import ABSENT, BROKEN, OK, WARNING, Finding
from vst.sizes import size_in_words

LITTLE_DISK = 2 * 2**30
"""Bytes: a few minutes of lossless video."""

LITTLE_MEMORY = 2 * 2**30
"""Bytes: more than a render at 1080p takes."""

_IMPORT_ERRORS = (ImportError, OSError, RuntimeError, AttributeError)
"""Errors of importing a package that is missing, lacks a library, or does not match another one."""


def examine(weights_dir: Path | None = None) -> list[Finding]:
    """Check everything that a render needs; what does not work becomes a finding, not an error."""
    findings = [
        Finding("vst", OK, f"{__version__} in {Path(__file__).parents[1]}"),
        Finding("python", OK, f"{platform.python_version()} ({sys.executable})"),
        Finding("system", OK, f"{platform.system()} {platform.machine()}"),
    ]
    parts: list[tuple[str, str, Callable[[], Iterator[Finding]]]] = [
        ("torch", BROKEN, _torch),
        ("torchvision", WARNING, _torchvision),
        ("av", BROKEN, _av),
        ("opencv", BROKEN, _opencv),
        ("arithmetic", BROKEN, _arithmetic),
        ("memory", WARNING, _memory),
        ("encoders", BROKEN, _encoders),
        ("hardware", WARNING, _hardware),
        ("limits", WARNING, _limits),
        ("optical flow", BROKEN, _estimators),
        ("backends", WARNING, _backends),
        ("weights", BROKEN, lambda: _weights(weights_dir)),
        ("disk", WARNING, _disk),
    ]
    for name, severity, check in parts:
        try:
            findings += check()
        except VstError as error:
            findings.append(Finding(name, severity, str(error)))
        except _IMPORT_ERRORS as error:
            reason = " ".join(str(error).split())
            findings.append(Finding(name, severity, f"does not work ({type(error).__name__}: {reason})"))
    return findings


def _torch() -> Iterator[Finding]:
    import torch

    yield Finding("torch", OK, f"{torch.__version__}, {torch.get_num_threads()} threads")
    if torch.cuda.is_available():
        for number in range(torch.cuda.device_count()):
            properties = torch.cuda.get_device_properties(number)
            memory = size_in_words(properties.total_memory)
            yield Finding(f"cuda:{number}", OK, f"{properties.name}, {memory}")
    else:
        built = (
            f"this torch is built for CUDA {torch.version.cuda}"
            if torch.version.cuda
            else "built without it"
        )
        yield Finding("cuda", OK, f"not available ({built}); renders use the CPU")
    if torch.backends.mps.is_available():
        yield Finding("mps", OK, "available, not chosen by itself: vst is untested on it (--device mps)")


def _torchvision() -> Iterator[Finding]:
    yield Finding("torchvision", OK, importlib.import_module("torchvision").__version__)


def _av() -> Iterator[Finding]:
    import av

    libraries = ", ".join(
        f"{name} {'.'.join(map(str, number))}" for name, number in av.library_versions.items()
    )
    yield Finding("av", OK, f"{av.__version__} ({libraries})")


def _opencv() -> Iterator[Finding]:
    import cv2

    yield Finding("opencv", OK, cv2.__version__)


def _arithmetic() -> Iterator[Finding]:
    from vst.device import choose_device, choose_precision, has_fast_bf16, precision_name

    hardware = "in hardware (AVX-512 BF16 or AMX)" if has_fast_bf16() else "not in hardware"
    yield Finding("CPU bf16", OK, hardware)
    device = choose_device("auto")
    yield Finding("device auto", OK, str(device))
    yield Finding("precision auto", OK, precision_name(choose_precision("auto", device)))


def _memory() -> Iterator[Finding]:
    import torch

    from vst.pipeline.memory_estimate import free_memory, total_memory

    free, total = free_memory(torch.device("cpu")), total_memory()
    if free is None or total is None:
        return
    yield Finding(
        "memory",
        OK if free >= LITTLE_MEMORY else WARNING,
        f"{size_in_words(free)} free of {size_in_words(total)}",
    )


def _encoders() -> Iterator[Finding]:
    import av.codec

    from vst.media import CODECS
    from vst.media.stills.animate import ANIMATIONS

    encoders = {name: codec.encoder for name, codec in CODECS.items()}
    encoders |= {name: animation.encoder for name, animation in ANIMATIONS.items()}
    for name, encoder in encoders.items():
        available = encoder in av.codec.codecs_available
        state = OK if available else BROKEN if name == "h264" else WARNING
        yield Finding(f"codec {name}", state, encoder if available else f"{encoder} is not in this PyAV")


def _hardware() -> Iterator[Finding]:
    """Hardware decoders and encoders; a missing one is not a fault, renders do not need them."""
    import av.codec

    from vst.media.colour.layout import layout_of
    from vst.media.decode.hardware import decodes, known_devices, why_no_device
    from vst.media.encode.hardware_codecs import HARDWARE_CODECS, open_failure

    devices = known_devices()
    for device in devices:
        refused = why_no_device(device)
        can = f"decodes {', '.join(decodes(device))}" if refused is None else refused
        yield Finding(f"hwaccel {device}", OK if refused is None else ABSENT, can)
    if not devices:
        yield Finding("hwaccel", ABSENT, "this PyAV decodes in software only")
    for codec in HARDWARE_CODECS.values():
        if codec.encoder in av.codec.codecs_available:
            assert codec.hardware is not None
            assert codec.quality is not None
            pix_fmt = next(iter(codec.hardware.surfaces))
            options = codec.options(codec.quality.default, 2, layout_of(pix_fmt))
            refused = open_failure(codec, pix_fmt, options)
            ready = "ready" if refused is None else f"{refused}; needs {codec.hardware.requires}"
            yield Finding(f"codec {codec.name}", OK if refused is None else ABSENT, ready)


def _limits() -> Iterator[Finding]:
    from vst.media.limits import LIMITS

    for limit in LIMITS:
        yield Finding(limit.variable, OK, f"{limit.value:,} {limit.unit} at most")


def _estimators() -> Iterator[Finding]:
    from vst.device import choose_device
    from vst.motion import ESTIMATORS, automatic

    ready = any(entry.ready() for entry in ESTIMATORS.values())
    for name, entry in ESTIMATORS.items():
        missing = entry.missing()
        state = OK if missing is None else WARNING if ready else BROKEN
        yield Finding(f"flow {name}", state, missing or "ready")
    yield Finding("flow auto", OK, automatic(choose_device("auto")))


def _backends() -> Iterator[Finding]:
    from vst.nn.backends import BACKENDS, TORCH

    for name, entry in BACKENDS.items():
        if name != TORCH:
            state = OK if entry.missing is None else ABSENT
            yield Finding(f"backend {name}", state, entry.missing or entry.version)


def _weights(weights_dir: Path | None) -> Iterator[Finding]:
    from vst.modes import verify_weights
    from vst.styles import load_catalogue
    from vst.styles.catalog import weight_folders

    for folder in weight_folders(weights_dir):
        files = len(list(folder.glob("*.safetensors"))) if folder.is_dir() else 0
        found = f"{files} weight file{'' if files == 1 else 's'}" if folder.is_dir() else "does not exist"
        yield Finding("weights folder", OK, f"{folder}: {found}")
    catalogue = load_catalogue(weights_dir)
    for problem in verify_weights(catalogue):
        yield Finding("weights", BROKEN, problem)
    if catalogue.styles:
        yield Finding("styles", OK, ", ".join(catalogue.styles))
    else:
        yield Finding("styles", BROKEN, "no weights found; give --weights-dir, or set VST_WEIGHTS")


def _disk() -> Iterator[Finding]:
    folder = Path.cwd()
    free = shutil.disk_usage(folder).free
    yield Finding("free disk", OK if free >= LITTLE_DISK else WARNING, f"{size_in_words(free)} in {folder}")
