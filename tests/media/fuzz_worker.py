"""Run by the fuzz test in a separate process: the outcome for each file, one line per file.

    python fuzz_worker.py read LIST LOG SECONDS MEGABYTES
    python fuzz_worker.py render LIST LOG SECONDS MEGABYTES WEIGHTS

The log gets "begin FILE" before a file and "FILE: memory: outcome" after it, so that a death is put down to
its file. SECONDS are for each file, MEGABYTES of address space for the process.
"""

from __future__ import annotations

import resource
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from vst.errors import VstError

MOST_FRAMES = 200


def read(path: Path) -> str:
    """Probe a file and decode all of it, without torch."""
    from vst.media.colour.repack import repacked
    from vst.media.decode.decoder import Decoder
    from vst.media.notes import Notes
    from vst.media.probe import probe
    from vst.media.probe.describe import as_values, describe
    from vst.media.stills.samples import picture_kind, read_samples

    info = probe(path)
    describe(info)
    as_values(info)
    if info.is_still:
        samples = read_samples(path, picture_kind(path))
        assert samples.planes.shape[2] in (1, 3, 4)
        return f"picture {samples.planes.shape[1]}×{samples.planes.shape[0]}"
    count = 0
    with Decoder(info, max_damaged=10, threads=1, notes=Notes()) as frames:
        for frame, _ in frames:
            if frame is not None:
                repacked(frame)
                count += 1
            if count == MOST_FRAMES:
                break
    return f"{count} frames"


def render(path: Path) -> str:
    """Stylize three frames of a clip or picture; or read flow, or weights."""
    import torch

    from vst.modes import load_network
    from vst.motion.files.flo import read_flo
    from vst.pipeline import RenderSettings
    from vst.pipeline.job import render as paint

    torch.set_num_threads(1)
    if path.suffix == ".flo":
        return f"flow {tuple(read_flo(path).shape)}"
    if path.suffix == ".safetensors":
        return f"weights of {load_network(path)[1].mode}"
    still = path.suffix in (".png", ".jpg", ".webp", ".tif", ".bmp", ".exr")
    settings = RenderSettings(
        style="red",
        device="cpu",
        precision="fp32",
        weights_dir=Path(sys.argv[6]),
        frames=None if still else 3,
        overwrite=True,
    )
    report = paint(path, settings, path.with_name("painted.png" if still else "painted.mkv"))
    return f"{report.frames} painted"


def outcome(look: Callable[[Path], str], path: Path) -> str:
    """The outcome for a file; it begins with BROKEN if a user would see a traceback."""
    try:
        return look(path)
    except VstError as error:
        return f"{'BROKEN: not one line' if chr(10) in str(error) else 'refused'}: {error}"
    except Exception as error:
        return f"BROKEN: {type(error).__name__}: {error}"


def most_memory() -> int:
    """Peak memory of the process in MB."""
    status = Path("/proc/self/status")
    if status.exists():
        # Linux counts what the parent had before it became this process to `ru_maxrss`.
        line = next(each for each in status.read_text().splitlines() if each.startswith("VmHWM"))
        return int(line.split()[1]) >> 10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 20


def main() -> None:
    """Process every file of the list."""
    look = {"read": read, "render": render}[sys.argv[1]]
    files, log, seconds, megabytes = Path(sys.argv[2]), Path(sys.argv[3]), *map(int, sys.argv[4:6])
    resource.setrlimit(resource.RLIMIT_AS, (megabytes << 20, megabytes << 20))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with log.open("a", encoding="utf-8", buffering=1) as out:
        for path in files.read_text("utf-8").splitlines():
            out.write(f"begin {path}\n")
            # The default of SIGALRM ends the process, also in the midst of a library.
            signal.alarm(seconds)
            became = " ".join(outcome(look, Path(path)).split())
            signal.alarm(0)
            out.write(f"{path}: {most_memory()} MB: {became}\n")
        out.write(f"torch {'torch' in sys.modules}\n")


if __name__ == "__main__":
    main()
