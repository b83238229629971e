"""Compiles the plugins: three small programs in C without dependencies.

This module is used by `setup.py` too, so it imports nothing but Python's own library and `vst.errors`.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from vst.errors import VstError
from vst.files import user_data_folder

_FLAGS = (
    "-std=c11",
    "-O3",
    "-g1",
    "-fPIC",
    "-fvisibility=hidden",
    "-Wall",
    "-Wextra",
    "-Wpedantic",
    "-Wshadow",
    "-Wconversion",
    "-Wstrict-prototypes",
    "-Wmissing-prototypes",
    "-Werror",
)
_LIBRARIES = ("-lpthread", "-ldl", "-lm")
_SECONDS = 300.0

SANITIZERS = ("address", "thread")


@dataclass(frozen=True)
class Built:
    """The compiled programs.

    Attributes:
        ofx: The OpenFX plugin.
        frei0r: The frei0r filter.
        host: The OpenFX test host.
    """

    ofx: Path
    frei0r: Path
    host: Path

    def complete(self) -> bool:
        """Whether all of them exist."""
        return all(path.is_file() for path in (self.ofx, self.frei0r, self.host))


def source_folder() -> Path:
    """The folder of the plugins' sources: beside the package in a checkout, inside an installed package."""
    package = Path(__file__).parents[1]
    checkout = (package.parent / "setup.cfg").is_file()
    return package.parent / "plugins" if checkout else package / "_plugins"


def built_in(folder: Path) -> Built:
    """The paths that a build into a folder writes, whether or not they exist."""
    return Built(folder / "vst.ofx", folder / "vst_frei0r.so", folder / "vst_ofx_host")


def find_compiler() -> str | None:
    """The path of a C compiler: $CC, else cc, gcc or clang; None if there is none."""
    names = [os.environ["CC"]] if os.environ.get("CC") else ["cc", "gcc", "clang"]
    return next((path for path in map(shutil.which, names) if path), None)


def build(folder: Path, *, sources: Path | None = None, sanitizer: str | None = None) -> Built:
    """Compile everything into a folder; warnings are errors.

    Args:
        folder: Created if absent.
        sources: `source_folder` unless given.
        sanitizer: `address` or `thread`: compile with that sanitizer, for tests.

    Raises:
        VstError: without a compiler, or if it fails; the message says what to do.
    """
    if sys.platform != "linux":
        raise VstError(f"the editor plugins are for Linux; this is {sys.platform}")
    compiler = find_compiler()
    if compiler is None:
        raise VstError("no C compiler was found; install gcc or clang, or set CC to one")
    sources = sources or source_folder()
    flags = [*_FLAGS]
    if sanitizer is not None:
        flags += [f"-fsanitize={sanitizer}", "-fno-omit-frame-pointer", "-g"]
    client = sorted((sources / "client").glob("*.c"))
    pixels = [sources / "client" / name for name in ("pixels.c", "frame_hash.c")]
    if not client:
        raise VstError(f"the plugins' sources are missing from {sources}; install vst again")
    built = built_in(folder)
    folder.mkdir(parents=True, exist_ok=True)
    # Never unmapped, so that a plugin that is loaded again still knows its child process, the worker.
    library = ["-shared", "-Wl,-z,nodelete"]
    plans: tuple[tuple[Path, list[str], list[Path]], ...] = (
        (built.ofx, library, [*sorted((sources / "openfx").glob("*.c")), *client]),
        (built.frei0r, library, [*sorted((sources / "frei0r").glob("*.c")), *client]),
        (built.host, [], [*sorted((sources / "testhost").glob("*.c")), *pixels]),
    )
    for target, kind, files in plans:
        _compile([compiler, *flags, *kind, *map(str, files)], target)
    return built


def find_or_build() -> Built:
    """The plugins that were installed with the package or compiled earlier; else compiles them.

    Raises:
        VstError: as `build`.
    """
    sources = source_folder()
    shipped = built_in(sources / "built")
    if shipped.complete():
        return shipped
    folder = user_data_folder() / "plugins" / f"{platform.machine()}-{_digest(sources)}"
    made = built_in(folder)
    return made if made.complete() else build(folder, sources=sources)


def _compile(command: list[str], target: Path) -> None:
    # Written beside the target and renamed: a host may have mapped the old file, or two builds may run.
    with tempfile.TemporaryDirectory(dir=target.parent) as work:
        made = Path(work) / target.name
        try:
            done = subprocess.run(
                [*command, "-o", str(made), *_LIBRARIES],
                capture_output=True,
                text=True,
                timeout=_SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise VstError(
                f"{command[0]} cannot compile {target.name} ({error}); set CC to another compiler"
            ) from error
        if done.returncode:
            lines = [line for line in done.stderr.splitlines() if "error" in line or "undefined" in line]
            first = (lines or done.stderr.splitlines() or ["no reason given"])[0]
            raise VstError(
                f"{command[0]} cannot compile {target.name} ({first}); set CC to another compiler"
            )
        os.replace(made, target)


def _digest(sources: Path) -> str:
    digest = hashlib.blake2b(digest_size=8)
    for path in sorted(sources.rglob("*.[ch]")):
        digest.update(path.read_bytes())
    return digest.hexdigest()
