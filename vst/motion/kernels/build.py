"""From an operation's source to what the driver loads: compiled once, then from the disk."""

from __future__ import annotations

import hashlib
import logging

import torch

from vst.motion.kernels import disk_cache
from vst.motion.kernels.nvrtc import compile_options, load_nvrtc
from vst.motion.kernels.operands import type_name
from vst.motion.kernels.sources import DEFINITIONS, Source, read_source

_log = logging.getLogger(__name__)


def build(operation: str, dtype: torch.dtype, capability: tuple[int, int], anew: bool = False) -> bytes:
    """Machine code of all kernels of an operation, or PTX for a device that is newer than NVRTC.

    Args:
        operation: One of ``OPERATIONS``.
        dtype: What its tensors hold.
        capability: The device's compute capability.
        anew: Compile even if it lies on disk.

    Raises:
        VstError: There is no NVRTC, it does not know the device, or the source does not compile.
    """
    nvrtc = load_nvrtc()
    architecture = nvrtc.architecture(capability)
    definition = DEFINITIONS[dtype]
    source = read_source(operation)
    key = _key(source, str(nvrtc), *compile_options(architecture, definition))
    name = f"{operation}-{type_name(dtype)}-{architecture}-{key}"
    code = None if anew else disk_cache.read(name)
    if code is None:
        _log.info("kernels: %s is compiled for %s", operation, architecture)
        code = nvrtc.compile(source, architecture, definition)
        disk_cache.write(name, code)
    return code


def _key(source: Source, *settings: str) -> str:
    """Names all that the result depends on."""
    digest = hashlib.sha256()
    headers = [text for header in source.headers.items() for text in header]
    for part in (source.name, source.text, *headers, *settings):
        data = part.encode()
        # With its length, so that no two lists of parts run together into one.
        digest.update(len(data).to_bytes(8, "little") + data)
    return digest.hexdigest()[:32]
