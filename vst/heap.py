"""Freed memory stays with the process, for the next frame.

glibc returns memory to the operating system when more than a little is free, and asks for it again, page
by page, at the next allocation. Every frame and every layer of a network allocates and frees megabytes, so
that costs up to an eighth of the CPU time of a render.

As with `vst.openmp`, programs of vst call `keep_freed_memory`. `import vst` does not.
"""

from __future__ import annotations

import ctypes
import os

_DECIDED_BY = (
    "GLIBC_TUNABLES",
    "MALLOC_TRIM_THRESHOLD_",
    "MALLOC_MMAP_THRESHOLD_",
    "MALLOC_TOP_PAD_",
    "MALLOC_MMAP_MAX_",
)
"""If the user has set one of these, nothing is changed."""

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
"""Numbers of parameters of glibc's ``mallopt``."""

_KEPT = 512 << 20
"""Bytes at the end of the heap that are not returned."""

_LARGEST = 32 << 20
"""Larger allocations are returned when they are freed. The largest value that glibc takes."""


def keep_freed_memory() -> None:
    """Let freed memory stay with this process.

    Has no effect with a C library other than glibc, and changes nothing if the user has set up glibc's
    allocator.
    """
    if any(os.environ.get(name) for name in _DECIDED_BY):
        return
    try:
        library = os.confstr("CS_GNU_LIBC_VERSION")
    except (AttributeError, ValueError, OSError):
        return
    if not library or not library.startswith("glibc"):
        return
    mallopt = ctypes.CDLL(None).mallopt
    mallopt(_M_MMAP_THRESHOLD, _LARGEST)
    mallopt(_M_TRIM_THRESHOLD, _KEPT)
