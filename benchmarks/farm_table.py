"""The same frames and sound by every way to render with many processes, in one table.

    python -m benchmarks.farm_table ../shared/data/clips --openjd openjd

Three clips (shots with cuts, variable rate, one long shot), in `vtn` and `itn`, are rendered by one
process, `vst batch --jobs 2`, `vst render --ray local`, on Ray clusters of two and three nodes one of which
is killed in the middle of a shot, by Open Job Description, and by the shell loop of `docs/farm.md`. The
decoded frames with their timestamps, and the packets of sound, are compared with those of one process. With
`--only` some of the ways are tried, and with `--against` compared with an earlier run's `-o`.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import av

from benchmarks.farm_clips import CLIPS
from benchmarks.frame_hashes import ROOT, digest, hash_video
from benchmarks.markdown import markdown
from benchmarks.options import create_parser, positive, run
from benchmarks.ray_nodes import Nodes, writers
from vst.errors import VstError
from vst.files import hidden_name

MODES = ("vtn", "itn")

_LOOP = """\
vst() { %s "$@"; }
last=$(( $(vst plan "$1" -o "$3" --output "$2" --json "${@:4}" | grep -c '"event": "segment"') - 1 ))
for k in $(seq 0 $last); do vst segment "$3" $k -q || exit; done
vst join "$3" -q
"""

VST = (sys.executable, "-m", "vst")

Way = Callable[[Path, Path, Sequence[str]], None]
"""Renders a clip to an output, with options of `vst render`."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it; returns the exit code: 1 too if anything differs."""
    parser = create_parser(__doc__)
    parser.add_argument("sources", type=Path, help="folder with cutbunny, car, bigbuckbunny and dancer")
    parser.add_argument("--height", type=positive, default=120)
    parser.add_argument("--only", nargs="+", choices=WAYS, default=list(WAYS), help="ways to render")
    parser.add_argument("--against", type=Path, metavar="FILE", help="JSON of an earlier run: its hashes")
    parser.add_argument("--openjd", default="openjd", metavar="COMMAND", help="of pip install openjd-cli")
    return run(_run, parser.parse_args(arguments))


def _run(options: argparse.Namespace) -> dict[str, object]:
    table = Table(options)
    with tempfile.TemporaryDirectory(prefix="vst") as folder:
        table.make_clips(Path(folder))
        for name in options.only:
            WAYS[name](table)
    print(markdown(["", *table.columns], table.rows))
    print(f"\n{table.seconds:.0f} s; hashes of frames and of sound:", table.reference)
    if table.has_differences:
        raise VstError("some frames or sound differ from those of one process")
    return {"rows": table.rows, "reference": table.reference}


class Table:
    """Renders the clips in the modes, and compares with the first way.

    Args:
        options: Of the command.

    Attributes:
        options: The same.
        rows: The name of each way, then for each clip and mode whether it is equal.
        reference: Hashes of frames and sound of one process.
    """

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self._began = time.monotonic()
        self._clips: list[Path] = []
        self.rows: list[list[str]] = []
        self.reference: dict[str, list[str]] = {}
        if options.against is not None:
            self.reference = json.loads(options.against.read_text())["reference"]

    @property
    def columns(self) -> list[str]:
        """Clip and mode."""
        return [f"{clip.name}, {mode}" for mode in MODES for clip in self._clips]

    @property
    def seconds(self) -> float:
        """Since the start."""
        return time.monotonic() - self._began

    @property
    def has_differences(self) -> bool:
        """Whether anything is not equal."""
        return any(cell != "equal" for row in self.rows for cell in row[1:])

    def make_clips(self, folder: Path) -> None:
        """Write the clips."""
        footage = folder / "footage"
        footage.mkdir()
        for name, make in CLIPS.items():
            self._clips.append(make(self.options.sources, footage / name, self.options.height))

    def add(self, name: str, way: Way) -> None:
        """Render every clip one way."""
        cells = [
            self._cell(clip, mode, way, Path(self._new_folder(f"{len(self.rows)}-{mode}")))
            for mode in MODES
            for clip in self._clips
        ]
        self._add_row(name, cells)

    def add_batch(self) -> None:
        """Render all clips by two processes at a time."""
        cells = []
        for mode in MODES:
            folder = self._new_folder(f"batch-{mode}")
            footage = self._clips[0].parent
            command(*VST, "batch", footage, "-o", folder, "--jobs", "2", "-q", *self._chosen(mode))
            cells += [self._compared(clip, mode, folder / clip.name) for clip in self._clips]
        self._add_row("`vst batch --jobs 2`", cells)

    def _cell(self, clip: Path, mode: str, way: Way, folder: Path) -> str:
        output = folder / clip.name
        way(clip, output, self._chosen(mode))
        return self._compared(clip, mode, output)

    def _compared(self, clip: Path, mode: str, output: Path) -> str:
        found = [hash_video(output), hash_sound(output)]
        expected = self.reference.setdefault(f"{clip.name}, {mode}", found)
        pairs = zip(("frames", "sound"), found, expected, strict=True)
        cell = " and ".join(what for what, one, other in pairs if one != other) or "equal"
        print(f"{self.seconds:.0f} s", clip.name, mode, cell, sep=", ", file=sys.stderr, flush=True)
        return cell

    def _add_row(self, name: str, cells: list[str]) -> None:
        self.rows.append([name, *cells])
        print(f"{self.seconds:.0f} s", *self.rows[-1], sep=" | ", file=sys.stderr, flush=True)

    def _new_folder(self, name: str) -> Path:
        folder = self._clips[0].parents[1] / name
        folder.mkdir(exist_ok=True)
        return folder

    def _chosen(self, mode: str) -> list[str]:
        threads = str(self.options.threads)
        return ["--style", "candy", "--mode", mode, "--threads", threads, "--backend", "torch"]


def one_process(clip: Path, output: Path, chosen: Sequence[str], more: Sequence[str] = ()) -> None:
    """`vst render`."""
    command(*VST, "render", clip, "-o", output, "-q", *chosen, *more)


def on_nodes(nodes: Nodes, clip: Path, output: Path, chosen: Sequence[str]) -> None:
    """`vst render --ray` on a cluster, of which the first node that writes a segment is killed.

    Segments are short, and a node that has just finished one loses nothing: then the render is tried again.

    Raises:
        VstError: A render failed, or no node lost a segment in any of five.
    """
    for _ in range(5):
        output.unlink(missing_ok=True)
        if _render_and_kill(nodes, clip, output, chosen):
            return
    raise VstError(f"{clip.name}: no node died in the middle of a shot in five renders")


def _render_and_kill(nodes: Nodes, clip: Path, output: Path, chosen: Sequence[str]) -> bool:
    """One render; whether work was done again because a node was killed. The node is replaced."""
    work = output.with_name(hidden_name(output.name, ".vst-work"))
    started = subprocess.Popen(
        [*VST, "render", clip, "-o", output, *chosen, "--ray", nodes.address],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **nodes.environment},
    )
    killed: str | None = None
    while killed is None and started.poll() is None:
        time.sleep(0.02)
        for process in writers(work):
            killed = nodes.node_of(process)
            if killed is not None:
                nodes.kill(killed)
                break
    _, said = started.communicate()
    if killed is not None:
        nodes.add(killed)
    if started.returncode:
        raise VstError(f"{clip.name} on a cluster: {said.strip()}")
    return "died; its work is done again" in said


def by_openjd(clip: Path, output: Path, chosen: Sequence[str], openjd: str) -> None:
    """`vst plan --openjd`, and `openjd run` with tasks of two segments."""
    job, template = output.with_suffix(".json"), output.with_suffix(".yaml")
    vst = output.with_name("vst")
    vst.write_text(f'#!/bin/sh\nPYTHONPATH={shlex.quote(str(ROOT))} exec {shlex.join(VST)} "$@"\n')
    vst.chmod(0o755)
    command(*VST, "plan", clip, "-o", job, "--output", output, "--openjd", template, "-q", *chosen)
    command(openjd, "run", template, "-p", f"Vst={vst}", "-p", "SegmentsPerTask=2", cwd=output.parent)


def shell_loop(clip: Path, output: Path, chosen: Sequence[str]) -> None:
    """The loop of `docs/farm.md`."""
    script = _LOOP % shlex.join(VST)
    command("bash", "-c", script, "loop", clip, output, output.with_suffix(".json"), *chosen)


def command(*given: str | Path, cwd: Path = ROOT) -> None:
    """Run a command.

    Raises:
        VstError: It failed, or is not there.
    """
    try:
        done = subprocess.run([*map(str, given)], cwd=cwd, capture_output=True, text=True, check=False)
    except OSError as error:
        hint = " (pip install openjd-cli)" if "openjd" in str(given[0]) else ""
        raise VstError(f"{given[0]} cannot be run: {error.strerror}{hint}") from error
    if done.returncode:
        raise VstError(f"{' '.join(map(str, given))} failed: {(done.stderr or done.stdout).strip()[-500:]}")


def hash_sound(path: Path) -> str:
    """The hash of the packets of sound of a clip, and of their times."""
    parts = []
    with av.open(str(path)) as container:
        for packet in container.demux(audio=0):
            if packet.size:
                parts += [str((packet.pts, packet.time_base)).encode(), bytes(packet)]
    return digest(*parts)


def _on_two_nodes(table: Table) -> None:
    with Nodes("one", "two") as nodes:
        table.add("Ray, two nodes, one is killed", lambda *given: on_nodes(nodes, *given))


def _on_three_nodes(table: Table) -> None:
    with Nodes("one", "two", "three") as nodes:
        table.add("Ray, three nodes, one is killed", lambda *given: on_nodes(nodes, *given))


WAYS: dict[str, Callable[[Table], None]] = {
    "one": lambda table: table.add("one process", one_process),
    "jobs": Table.add_batch,
    "local": lambda table: table.add("`--ray local`", partial(one_process, more=("--ray", "local"))),
    "two": _on_two_nodes,
    "three": _on_three_nodes,
    "openjd": lambda table: table.add("`openjd run`", partial(by_openjd, openjd=table.options.openjd)),
    "loop": lambda table: table.add("shell loop", shell_loop),
}
"""By name for `--only`, in the order of the table. All are compared with the first one that is given."""


if __name__ == "__main__":
    sys.exit(main())
