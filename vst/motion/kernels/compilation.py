"""Compilation of an operation's source to what the driver loads, with a cache on disk."""

from __future__ import annotations

import hashlib
import logging

import torch

from vst import disk_cache
from vst.motion.kernels.nvrtc import compile_options, load_nvrtc
from vst.motion.kernels.operands import type_name
from vst.motion.kernels.sources import TYPE_DEFINITIONS, KernelSource, read_source

CACHE = "kernels"
"""The kind of entries of `vst.disk_cache`."""

_log = logging.getLogger(__name__)


def compile_operation(
    operation: str, dtype: torch.dtype, capability: tuple[int, int], force: bool = False
) -> bytes:
    """Machine code of all kernels of an operation, or PTX for a device that is newer than NVRTC.

    Args:
        operation: One of ``OPERATIONS``.
        dtype: Type of the tensors.
        capability: The device's compute capability.
        force: Compile even if the result is in the cache.

    Raises:
        VstError: There is no NVRTC, it does not support the device, or the source does not compile.
    """
    nvrtc = load_nvrtc()
    architecture = nvrtc.architecture(capability)
    definition = TYPE_DEFINITIONS[dtype]
    source = read_source(operation)
    key = _cache_key(source, str(nvrtc), *compile_options(architecture, definition))
    name = f"{operation}-{type_name(dtype)}-{architecture}-{key}"
    code = None if force else disk_cache.read(CACHE, name)
    if code is None:
        _log.info("kernels: compiling %s for %s", operation, architecture)
        code = nvrtc.compile(source, architecture, definition)
        disk_cache.write(CACHE, name, code)
    return code


def _cache_key(source: KernelSource, *settings: str) -> str:
    """A hash of everything that the result depends on."""
    digest = hashlib.sha256()
    headers = [text for header in source.headers.items() for text in header]
    for part in (source.name, source.text, *headers, *settings):
        data = part.encode()
        # With its length, so that different lists of parts give different hashes.
        digest.update(len(data).to_bytes(8, "little") + data)
    return digest.hexdigest()[:32]
