"""Renders files with random names: every byte but / and NUL, up to 255 of them.

    python -m benchmarks.names [--names 2000] [--commands 50]

The names are rendered in this process, by the command's entry point; then some of them by the real command.
It fails where a name gives a traceback, an error, an output under another name or anything else in the
folder. Where the default name of the output is too long, the command has to name -o.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image

SUFFIXES = (b".png",) * 12 + (b".jpg", b".tif", b".exr", b"")
SPECIAL = b"#%d0*?[]:-. \n\t\\\"'~$|&;,=@+\x1b\x7f\x80\xff"
ANY_BYTE = bytes(value for value in range(1, 256) if value != ord("/"))

Render = Callable[[list[str]], tuple[int, str]]
"""Runs `vst` with some arguments; returns the exit code and what it printed on stderr."""


def random_names(count: int, seed: int = 16) -> Iterator[bytes]:
    """Different names; some are not UTF-8, some have only characters that mean something somewhere."""
    draw = random.Random(seed)
    seen = {b".", b".."}
    while len(seen) < count + 2:
        suffix = draw.choice(SUFFIXES)
        length = draw.choice((1, 2, 3, 8, 40, 200, 255)) if draw.random() < 0.7 else draw.randint(1, 255)
        letters = SPECIAL if draw.random() < 0.5 else ANY_BYTE
        name = bytes(draw.choice(letters) for _ in range(max(1, length - len(suffix)))) + suffix
        if name not in seen:
            seen.add(name)
            yield name


def make_samples(folder: Path) -> dict[str, bytes]:
    """Contents of tiny pictures, by suffix."""
    from vst.media.stills.exr import write_exr

    pixels = np.arange(60, dtype=np.uint8).reshape(4, 5, 3)
    for suffix in (".png", ".jpg", ".tif"):
        Image.fromarray(pixels).save(folder / f"a{suffix}")
    write_exr(folder / "a.exr", np.zeros((3, 4, 5), np.float32), None, half=True, attributes={})
    return {path.suffix: path.read_bytes() for path in folder.glob("a.*")}


def fault_of(name: bytes, samples: dict[str, bytes], render: Render, options: list[str]) -> str | None:
    """What goes wrong with one name in the current folder, which is empty before and afterwards."""
    path = Path(os.fsdecode(name))
    with open(name, "wb") as file:
        file.write(samples.get(path.suffix, samples[".png"]))
    expected = os.fsencode(f"{path.stem}.candy{path.suffix if path.suffix in samples else '.png'}")
    too_long = len(expected) > 255
    given = "./-" if name == b"-" else os.fsdecode(name)
    code, err = render(["render", "--style", "candy", "--strength", "0", "-q", *options, "--", given])
    found = set(os.listdir(b"."))
    for each in found:
        os.unlink(each)
    if too_long:
        if (code, err.count("\n")) != (2, 1) or "give a shorter one with -o" not in err:
            return f"{name!r}: the name is too long, but exit code {code}: {err}"
        expected = name
    elif code or err:
        return f"{name!r}: exit code {code}: {err}"
    return None if found == {name, expected} else f"{name!r}: found {sorted(found)}, expected {expected!r}"


def in_process(arguments: list[str]) -> tuple[int, str]:
    """Run the command in this process."""
    from vst.cli.app import run

    with contextlib.redirect_stderr(io.StringIO()) as err:
        code = run(arguments)
    return code, err.getvalue()


def as_command(arguments: list[str]) -> tuple[int, str]:
    """Run the command in a process of its own."""
    done = subprocess.run([sys.executable, "-m", "vst", *arguments], capture_output=True, check=False)
    return done.returncode, done.stderr.decode(errors="surrogateescape")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--names", type=int, default=2000)
    parser.add_argument("--commands", type=int, default=50)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as work, tempfile.TemporaryDirectory() as aside:
        samples = make_samples(Path(aside))
        os.chdir(work)
        faults = []
        for count, render in ((arguments.names, in_process), (arguments.commands, as_command)):
            began = time.monotonic()
            found = [fault_of(name, samples, render, []) for name in random_names(count)]
            faults += [each for each in found if each is not None]
            print(f"{render.__name__}: {count} names in {time.monotonic() - began:.0f} s")
        os.chdir("/")
    print(*faults, f"{len(faults)} faults", sep="\n")
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
