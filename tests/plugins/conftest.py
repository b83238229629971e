"""Hosts for the plugins, which are compiled once, with tiny networks."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from tests.host.conftest import FRAMES, HEIGHT, WIDTH, pan_with_disc
from vst.host.plugin_build import Built, build, find_compiler

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    if find_compiler() is None:
        pytest.skip("there is no C compiler")
    return build(tmp_path_factory.mktemp("built"))


@pytest.fixture
def configuration(tmp_path: Path) -> Path:
    return write_configuration(tmp_path)


def write_configuration(folder: Path) -> Path:
    path = folder / "vst.conf"
    lines = [f"python={sys.executable}", f"package={ROOT}", "mode=vtn", "mode=itn", "alone=itn"]
    path.write_text("\n".join([*lines, "style=red", "style=blue", ""]))
    return path


@pytest.fixture
def runtime() -> Iterator[Path]:
    """A private folder with a path that is short enough for sockets."""
    folder = Path(tempfile.mkdtemp(prefix="vst"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)  # a worker that is ending may remove its own files meanwhile


@pytest.fixture
def environment(configuration: Path, tiny_weights: Path, runtime: Path, tmp_path: Path) -> dict[str, str]:
    made = environment_for(configuration, tiny_weights, tmp_path)
    return {**made, "XDG_RUNTIME_DIR": str(runtime)}


def environment_for(configuration: Path, weights: Path, folder: Path) -> dict[str, str]:
    return {
        **os.environ,
        "VST_PLUGIN_CONFIG": str(configuration),
        "VST_PLUGIN_LOG": str(folder / "log"),
        "VST_WEIGHTS": str(weights),
        "OMP_NUM_THREADS": "1",
    }


@pytest.fixture
def pictures() -> np.ndarray:
    """Fourteen frames with a cut, N×H×W×3 in 8 bits."""
    return np.stack([pan_with_disc(number) for number in range(FRAMES)])


def rgba(pictures: np.ndarray, alpha: np.ndarray | float = 1.0) -> np.ndarray:
    planes = pictures.astype(np.float32) / 255
    return np.concatenate([planes, np.broadcast_to(np.float32(alpha), planes.shape[:-1])[..., None]], -1)


class OfxHost:
    """The test host, driven line by line."""

    def __init__(
        self, built: Built, folder: Path, environment: dict[str, str], clip: np.ndarray, options: list[str]
    ) -> None:
        (folder / "clip").write_bytes(np.ascontiguousarray(clip, np.float32).tobytes())
        self._shape = clip.shape[1:]
        self._output = folder / "output"
        self._folder = folder
        height, width = self._shape[:2]
        files = [built.ofx, folder / "clip", width, height, self._output]
        self.process = subprocess.Popen(
            [str(each) for each in [built.host, *files, *options]],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.message = ""
        self.progress = 0
        self.statuses: list[int] = []

    def command(self, line: str) -> str:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline().rstrip("\n")
        if not answer:
            raise AssertionError(f"the host ended at {line!r}: {self.process.communicate()[1]}")
        return answer

    def render(self, *times: int, threads: int = 0) -> np.ndarray:
        """Frames as N×H×W×4, 0..1."""
        return self.result(
            self.command(" ".join(map(str, (["threads", threads] if threads else ["render"]) + [*times])))
        )

    def result(self, answer: str) -> np.ndarray:
        numbers, _, self.message = answer.removeprefix("rendered ").partition(" message ")
        statuses, _, rest = numbers.partition(" seconds ")
        self.statuses = [int(each) for each in statuses.split()]
        self.progress = int(rest.partition(" progress ")[2])
        frames = np.fromfile(self._output, np.float32).reshape(-1, *self._shape)
        return frames[len(frames) - len(self.statuses) :]

    def change(self, time: int, picture: np.ndarray) -> None:
        path = self._folder / f"changed-{time}"
        path.write_bytes(np.ascontiguousarray(picture, np.float32).tobytes())
        self.command(f"change {time} {path}")

    def close(self) -> str:
        """Ends the host, which checks for leaks; returns its stderr."""
        _, err = self.process.communicate(timeout=60)
        assert self.process.returncode == 0, err
        return err

    def workers(self) -> list[int]:
        """The worker processes of this host."""
        parents = {}
        for folder in Path("/proc").iterdir():
            try:
                command = (folder / "cmdline").read_bytes().split(b"\0")
                state, parent = (folder / "stat").read_text().rpartition(")")[2].split()[:2]
            except (OSError, ValueError):
                continue
            if b"--host" in command and str(self.process.pid).encode() in command and state not in "ZX":
                parents[int(folder.name)] = int(parent)
        # A worker that starts a program is there twice for a moment.
        return [number for number, parent in parents.items() if parent not in parents]


def wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if condition():
            return True
        time.sleep(0.05)
    return condition()


@pytest.fixture
def make_host(
    built: Built, tmp_path: Path, environment: dict[str, str], pictures: np.ndarray
) -> Iterator[Callable[..., OfxHost]]:
    hosts: list[OfxHost] = []

    def make(
        *options: str, clip: np.ndarray | None = None, using: Built | None = None, **more: str
    ) -> OfxHost:
        folder = tmp_path / f"host{len(hosts)}"
        folder.mkdir()
        frames = rgba(pictures) if clip is None else clip
        host = OfxHost(using or built, folder, {**environment, **more}, frames, list(options))
        hosts.append(host)
        return host

    yield make
    for host in hosts:
        host.process.kill()
        host.process.communicate()


@pytest.fixture(scope="module")
def in_order(
    built: Built, tiny_weights: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[np.ndarray]:
    """The frames rendered in order in mode vtn, float pixels, N×H×W×4."""
    folder = tmp_path_factory.mktemp("in_order")
    environment = environment_for(write_configuration(folder), tiny_weights, folder)
    clip = rgba(np.stack([pan_with_disc(number) for number in range(FRAMES)]))
    host = OfxHost(built, folder, environment, clip, [])
    yield host.render(*range(FRAMES))
    host.close()


@pytest.fixture
def lossless(tmp_path: Path) -> Callable[..., Path]:
    """Writes pictures, N×H×W×3 in 8 bits, to a lossless file."""

    def write(name: str, frames: np.ndarray, rate: int = 25) -> Path:
        path = tmp_path / name
        with av.open(str(path), "w") as container:
            stream = container.add_stream("ffv1", rate=rate)
            stream.height, stream.width = frames.shape[1:3]
            stream.pix_fmt = "bgr0"
            for number, picture in enumerate(frames):
                frame = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format="bgr0")
                frame.pts, frame.time_base = number, Fraction(1, rate)
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
        return path

    return write


def decoded(path: Path) -> np.ndarray:
    """All frames of a file, N×H×W×3 in 8 bits."""
    with av.open(str(path)) as container:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)])


@pytest.fixture
def render_file(
    lossless: Callable[..., Path], tiny_weights: Path, tmp_path: Path
) -> Callable[..., np.ndarray]:
    """The frames that `vst render` writes to a lossless RGB file, N×H×W×3 in 8 bits."""
    import torch

    from vst.pipeline import RenderSettings, render

    def run(pictures: np.ndarray, mode: str, rate: int = 25, **options: object) -> np.ndarray:
        before = torch.get_num_threads()
        settings = RenderSettings(
            style=str(options.pop("style", "red")),
            mode=mode,
            device="cpu",
            codec="ffv1",
            pix_fmt="bgr0",
            threads=1,
            overwrite=True,
            weights_dir=tiny_weights,
            **options,
        )
        out = render(lossless("source.mkv", pictures, rate), settings, tmp_path / "rendered.mkv").output
        torch.set_num_threads(before)
        return decoded(out)

    return run


@pytest.fixture
def comma(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A locale whose decimal point is a comma, made if it is not installed."""
    name, made = "de_DE.UTF-8", tmp_path / "locales"
    made.mkdir()
    localedef = shutil.which("localedef")
    if localedef is None:
        pytest.skip("there is no localedef to make a locale with a decimal comma")
    command = [localedef, "-i", "de_DE", "-f", "UTF-8", str(made / name)]
    if subprocess.run(command, capture_output=True, check=False).returncode or not (made / name).is_dir():
        pytest.skip("localedef cannot make de_DE.UTF-8; its sources are not installed")
    monkeypatch.setenv("LOCPATH", str(made))
    return name


SIZE = (WIDTH, HEIGHT)
