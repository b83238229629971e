"""The worker's process: who may talk to it, and when it ends."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from tests.host.conftest import HEIGHT, WIDTH
from vst.errors import VstError
from vst.host.protocol import CURRENT, PROTOCOL, RESULT, SLOTS, pack, unpack
from vst.host.worker import Worker

SECONDS = 60
"""How long a test waits for what should take one or two."""


class Client:
    def __init__(self, path: Path) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.socket.settimeout(SECONDS)
        until = time.monotonic() + SECONDS
        while True:
            try:
                self.socket.connect(str(path))
                return
            except OSError:
                assert time.monotonic() < until
                time.sleep(0.05)

    def say(self, word: str, **values: object) -> None:
        self.socket.send(pack(word, **values))

    def hear(self) -> tuple[str, dict[str, str]]:
        while True:
            word, values = unpack(self.socket.recv(16384))
            if word != "wait":
                return word, values


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "private"
    made.mkdir(mode=0o700)
    return made


@pytest.fixture
def start(folder: Path) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Starts the worker for a host process of its own, which does nothing; gives both."""
    started: list[subprocess.Popen[bytes]] = []

    def begin() -> tuple[subprocess.Popen[bytes], subprocess.Popen[bytes]]:
        host = subprocess.Popen(["sleep", "1000"])
        command = ["-m", "vst.host", "--socket", str(folder / "s"), "--host", str(host.pid)]
        # One thread, as the test's own process has: in bf16 sums depend on how they are divided.
        alone = os.environ | {"OMP_NUM_THREADS": "1"}
        worker = subprocess.Popen([sys.executable, *command], stderr=subprocess.DEVNULL, env=alone)
        started.extend((host, worker))
        return host, worker

    yield begin
    for process in started:
        process.kill()
        process.wait()


def test_a_frame_goes_through_a_socket_and_shared_memory(start, folder, tiny_weights, rendered):
    _, worker = start()
    client = Client(folder / "s")
    client.say("hello", protocol=PROTOCOL, version="test")
    assert client.hear()[0] == "hello"
    descriptor = os.memfd_create("frames")
    length = 3 * WIDTH * HEIGHT * 4
    os.ftruncate(descriptor, SLOTS * length)
    torch.manual_seed(0)
    picture = torch.rand(3, HEIGHT, WIDTH)
    request = pack(
        "render", id=7, run="r", width=WIDTH, height=HEIGHT, time=0, first=0, last=0, temporal=1, gap=1,
        style="red", mode="itn", strength=1, keep_color=0, style_scale=0, seed=0, device="cpu",
        weights=tiny_weights, linear=0, interactive=0, limit=60,
    )  # fmt: skip
    socket.send_fds(client.socket, [request], [descriptor])
    word, values = client.hear()
    assert (word, values) == ("need", {"id": "7", "index": "0", "slot": str(CURRENT)})
    os.pwrite(descriptor, picture.numpy().tobytes(), CURRENT * length)
    client.say("frame", id=7, index=0, hash="00" * 16)
    word, values = client.hear()
    assert (word, values["id"], values["approximate"]) == ("done", "7", "0")
    data = bytearray(os.pread(descriptor, length, RESULT * length))
    painted = torch.frombuffer(data, dtype=torch.float32).view(3, HEIGHT, WIDTH)
    assert (painted - rendered([picture], "itn")[0]).abs().max() < 1 / 255
    client.socket.close()
    assert worker.wait(SECONDS) == 0
    assert list(folder.iterdir()) == []


def test_another_protocol_is_refused_with_what_to_do(start, folder):
    start()
    client = Client(folder / "s")
    client.say("hello", protocol=PROTOCOL + 1, version="later")
    word, values = client.hear()
    assert word == "failed"
    assert "vst plugin install" in values["message"]


def test_a_worker_ends_with_its_host_even_while_a_client_is_there(start, folder):
    host, worker = start()
    client = Client(folder / "s")
    client.say("hello", protocol=PROTOCOL, version="test")
    assert client.hear()[0] == "hello"
    host.send_signal(signal.SIGKILL)
    host.wait()
    assert worker.wait(SECONDS) == 0


def test_missing_weights_are_answered_with_what_to_do(start, folder, tmp_path):
    start()
    client = Client(folder / "s")
    client.say("hello", protocol=PROTOCOL, version="test")
    client.hear()
    client.say(
        "render", id=1, run="r", width=8, height=8, time=0, first=0, last=0, temporal=1, gap=1, style="red",
        mode="itn", strength=1, keep_color=0, style_scale=0, seed=0, device="cpu", weights=tmp_path / "no",
        linear=0, interactive=0, limit=60,
    )  # fmt: skip
    word, values = client.hear()
    assert word == "failed"
    assert "does not exist" in values["message"] or "shares no memory" in values["message"]


def test_what_a_killed_worker_left_is_removed_by_the_next(start, folder):
    gone = subprocess.Popen(["true"])
    gone.wait()
    for name in (f"{gone.pid}.sock", f"{gone.pid}.sock.err", f"{os.getpid()}.sock", "notes"):
        (folder / name).touch()
    start()
    Client(folder / "s").socket.close()
    assert {each.name for each in folder.iterdir()} - {"s"} == {f"{os.getpid()}.sock", "notes"}


def test_a_folder_that_others_can_read_is_refused(folder):
    folder.chmod(0o755)
    with pytest.raises(VstError, match="closed to others"):
        Worker(folder / "s", os.getpid())


def test_a_link_in_the_folders_place_is_refused(folder, tmp_path):
    (tmp_path / "link").symlink_to(folder)
    with pytest.raises(VstError, match="closed to others"):
        Worker(tmp_path / "link" / "s", os.getpid())
