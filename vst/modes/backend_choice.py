"""Which backend runs a network: the one asked for, or the quickest, which is timed once and remembered.

Time never decides pixels twice: what was chosen becomes part of the fingerprint of a render, and runs that
continue it take it over. docs/adr/0026-backends.md.
"""

from __future__ import annotations

import hashlib
import json
import logging
import math
import platform
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor

import vst
from vst import disk_cache
from vst.device import precision_name
from vst.nn.backends import BACKENDS, TORCH, Backend, BackendError

if TYPE_CHECKING:
    from vst.modes.network_runner import NetworkRunner
    from vst.nn.style_network import StyleNetwork

AUTO = "auto"

CACHE = "backends"
"""The kind of entries of `vst.disk_cache`."""

LEAST_FRAMES = 100
"""Of so many stylized frames, the gain is larger than what timing takes."""

_CLOSE = 2 / 255
"""How far the picture of a backend may be from torch's, on average."""
_MARGIN = 0.03
"""A backend has to be so much quicker than torch."""
_ROUNDS = 3
"""Each backend is timed so often, in turn; the quickest time counts, which other programs disturb least."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class BackendRequest:
    """What a caller wants.

    Attributes:
        name: A key of `BACKENDS`, or `AUTO`.
        size: Width and height of frames, at which a backend is tried before the first one; None: `AUTO`
            is torch, and another backend is taken untried.
        frames: Number of frames that will be stylized, None if unknown.
        recorded: What an earlier run of the same render chose; in place of `AUTO`.
    """

    name: str = TORCH
    size: tuple[int, int] | None = None
    frames: int | None = None
    recorded: str | None = None


@dataclass(frozen=True)
class BackendChoice:
    """What came of a request.

    Attributes:
        name: A key of `BACKENDS`.
        version: Of its package.
        note: Why, in a line; None if there is nothing that the user should know.
    """

    name: str = TORCH
    version: str = ""
    note: str | None = None


@dataclass(frozen=True)
class Timing:
    """What was measured of a backend.

    Attributes:
        torch: Seconds a frame of torch.
        other: Seconds a frame of the backend; infinite if it failed.
        start: Seconds that its start takes longer than torch's.
    """

    torch: float
    other: float
    start: float

    def pays(self, frames: int | None) -> bool:
        """Whether the backend is quicker for so many frames; None: for very many."""
        gain = self.torch - self.other
        return gain > _MARGIN * self.torch and (frames is None or frames * gain > self.start)


def choose_backend(request: BackendRequest, network: StyleNetwork, runner: NetworkRunner) -> None:
    """Let a runner use the backend of a request. What cannot be used is replaced by torch, with a warning.

    Args:
        request: What the caller wants.
        network: The runner's, on the CPU, in fp32.
        runner: Runs torch so far.
    """
    asked = request.name
    if asked == AUTO and request.recorded in BACKENDS:
        asked = request.recorded
    if asked == AUTO:
        _choose_quickest(request, network, runner)
    elif asked != TORCH:
        _use(asked, request.size, network, runner)


def _use(name: str, size: tuple[int, int] | None, network: StyleNetwork, runner: NetworkRunner) -> None:
    try:
        _check_place(name, size, runner)
        backend = BACKENDS[name].open(network, runner.mix, runner.precision)
        runner.use(backend, BackendChoice(name, BACKENDS[name].version))
        if size is not None:
            _check_picture(example(network, size), runner, backend)
    except Exception as error:  # whatever another library raises, before the first frame torch is there
        _fall_back(name, error, runner)


def _check_place(name: str, size: tuple[int, int] | None, runner: NetworkRunner) -> None:
    missing = BACKENDS[name].missing
    if missing is not None:
        raise BackendError(missing)
    if runner.device.type != "cpu":
        raise BackendError(f"the network runs on {runner.device}")
    if size is not None and runner.memory(size[1], size[0]).tile is not None:
        raise BackendError("frames of this size are stylized in tiles")


def _fall_back(name: str, error: Exception, runner: NetworkRunner) -> None:
    reason = (str(error).strip() or type(error).__name__).splitlines()[0]
    note = f"the network runs on torch: backend {name} cannot be used ({reason})"
    _log.warning(note)
    runner.use(None, BackendChoice(note=note))


def _choose_quickest(request: BackendRequest, network: StyleNetwork, runner: NetworkRunner) -> None:
    names = [name for name, entry in BACKENDS.items() if name != TORCH and entry.missing is None]
    if request.size is None or runner.device.type != "cpu" or not names:
        return
    width, height = request.size
    if runner.memory(height, width).tile is not None:
        return
    found = {name: _timing(name, request, network, runner) for name in names}
    timed = {name: each for name, each in found.items() if each is not None and each.other < math.inf}
    runner.use(None, BackendChoice())
    if not timed:
        return
    name = min(timed, key=lambda each: timed[each].other)
    timing, version = timed[name], BACKENDS[name].version
    own, other = f"{1000 * timing.torch:.0f}", f"{1000 * timing.other:.0f}"
    if not timing.pays(request.frames):
        note = f"the network runs on torch: {own} ms a frame, {other} on {name} {version}"
        runner.use(None, BackendChoice(note=note))
        return
    _use(name, request.size, network, runner)
    if runner.choice.name == name:
        note = f"the network runs on {name} {version}: {other} ms a frame, {own} on torch"
        runner.choice = BackendChoice(name, version, note)


def _timing(
    name: str, request: BackendRequest, network: StyleNetwork, runner: NetworkRunner
) -> Timing | None:
    """What is remembered of a backend, or is measured now; None if measuring would take too long."""
    assert request.size is not None
    entry = _entry_name(name, request.size, network, runner)
    found = _read(entry)
    if found is not None or (request.frames is not None and request.frames < LEAST_FRAMES):
        return found
    with disk_cache.locked(CACHE):
        # Another process may have measured while this one waited: both should choose the same.
        found = _read(entry)
        if found is None:
            found = measure(name, example(network, request.size), network, runner)
            # A failure may have been a lack of memory.
            if math.isfinite(found.other):
                disk_cache.write(CACHE, entry, json.dumps(vars(found)).encode())
    return found


def measure(name: str, planes: Tensor, network: StyleNetwork, runner: NetworkRunner) -> Timing:
    """Time a backend beside torch. A backend that fails is infinitely slow.

    Args:
        name: A key of `BACKENDS`.
        planes: 1×inputs×H×W, an input of the network.
        network: The runner's, on the CPU, in fp32.
        runner: Left with torch or the backend.
    """
    _log.info("timing backend %s at %d×%d, once", name, planes.shape[3], planes.shape[2])
    runner.use(None, BackendChoice())
    runner(planes)
    own: list[float] = []
    other: list[float] = []
    try:
        began = time.monotonic()
        backend = BACKENDS[name].open(network, runner.mix, runner.precision)
        _check_picture(planes, runner, backend)
        started = time.monotonic() - began
        for _ in range(_ROUNDS):
            for times, each in ((own, None), (other, backend)):
                runner.use(each, BackendChoice())
                began = time.monotonic()
                runner(planes)
                times.append(time.monotonic() - began)
    except Exception as error:  # as in `_use`
        _log.info("backend %s cannot be used: %s", name, error)
        return Timing(1.0, math.inf, 0.0)
    # The first picture was compared with torch's.
    return Timing(min(own), min(other), max(started - min(own) - min(other), 0.0))


def _check_picture(planes: Tensor, runner: NetworkRunner, backend: Backend) -> None:
    """Hold a backend against torch.

    Raises:
        BackendError: It gives another picture.
    """
    choice = runner.choice
    runner.use(None, choice)
    expected = runner(planes)
    runner.use(backend, choice)
    apart = float((runner(planes) - expected).abs().mean()) / 2
    if not apart <= _CLOSE:
        raise BackendError(f"its pictures are {255 * apart:.1f}/255 from torch's")


def example(network: StyleNetwork, size: tuple[int, int]) -> Tensor:
    """An input to try a network with: soft noise, and everything of the past is trusted.

    Args:
        network: The network.
        size: Width and height.

    Returns:
        1×inputs×H×W, −1..1.
    """
    generator = torch.Generator().manual_seed(0)
    coarse = torch.rand(1, network.inputs, 24, 32, generator=generator)
    planes = F.interpolate(coarse, size=(size[1], size[0]), mode="bilinear") * 2 - 1
    planes[:, 6:] = 1
    return planes


def _entry_name(name: str, size: tuple[int, int], network: StyleNetwork, runner: NetworkRunner) -> str:
    """The name of a cache entry: a hash of all that time depends on. The weights' values are none of it."""
    key: Mapping[str, object] = {
        "backend": [name, BACKENDS[name].version],
        "versions": [vst.__version__, torch.__version__],
        "machine": [_processor(), torch.backends.cpu.get_cpu_capability(), torch.get_num_threads()],
        "network": [type(network).__name__, network.inputs, network.width, network.variant.to_metadata()],
        "precision": precision_name(runner.precision),
        "size": list(size),
    }
    return hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:32] + ".json"


def _read(entry: str) -> Timing | None:
    content = disk_cache.read(CACHE, entry)
    if content is None:
        return None
    try:
        found = json.loads(content)
        timing = Timing(*(float(found[name]) for name in ("torch", "other", "start")))
    except (ValueError, TypeError, KeyError):
        return None
    return timing if all(map(math.isfinite, vars(timing).values())) else None


def _processor() -> str:
    """The name of the processor, as far as the system tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
