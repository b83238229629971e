"""The worker process: which clients it serves, and when it ends."""

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
from vst.host.protocol import CURRENT, PROTOCOL, RESULT, SLOTS, encode, split
from vst.host.worker import Worker

SECONDS = 60
"""How long a test waits for an answer that takes one or two seconds."""


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

    def send(self, word: str, **values: object) -> None:
        self.socket.send(encode(word, **values))

    def receive(self) -> tuple[str, dict[str, str]]:
        while True:
            word, values = split(self.socket.recv(16384))
            if word != "wait":
                return word, values


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "private"
    made.mkdir(mode=0o700)
    return made


@pytest.fixture
def start(folder: Path) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Starts a host process that does nothing, and a worker for it; returns both."""
    started: list[subprocess.Popen[bytes]] = []

    def start_worker() -> tuple[subprocess.Popen[bytes], subprocess.Popen[bytes]]:
        host = subprocess.Popen(["sleep", "1000"])
        command = ["-m", "vst.host", "--socket", str(folder / "s"), "--host", str(host.pid)]
        # One thread, as in the process of the test: sums in bf16 depend on the number of threads.
        environment = os.environ | {"OMP_NUM_THREADS": "1"}
        worker = subprocess.Popen([sys.executable, *command], stderr=subprocess.DEVNULL, env=environment)
        started.extend((host, worker))
        return host, worker

    yield start_worker
    for process in started:
        process.kill()
        process.wait()


def test_a_frame_goes_through_a_socket_and_shared_memory(start, folder, tiny_weights, rendered):
    _, worker = start()
    client = Client(folder / "s")
    client.send("hello", protocol=PROTOCOL, version="test")
    assert client.receive()[0] == "hello"
    descriptor = os.memfd_create("frames")
    length = 3 * WIDTH * HEIGHT * 4
    os.ftruncate(descriptor, SLOTS * length)
    torch.manual_seed(0)
    picture = torch.rand(3, HEIGHT, WIDTH)
    request = encode(
        "render", id=7, editor="openfx", run="r", width=WIDTH, height=HEIGHT, index=0, time=0, first=0,
        last=0, temporal=1, gap=1, frame_rate=0,
        style="red", mode="itn", strength=1, keep_color=0, keep_borders=1,
        style_scale=0, keyframe_interval=0, look_ahead=1,
        seed=0, device="cpu", weights=tiny_weights, linear=0, interactive=0, limit=60,
    )  # fmt: skip
    socket.send_fds(client.socket, [request], [descriptor])
    word, values = client.receive()
    assert (word, values) == ("need", {"id": "7", "index": "0", "slot": str(CURRENT)})
    os.pwrite(descriptor, picture.numpy().tobytes(), CURRENT * length)
    client.send("frame", id=7, index=0, hash=bytes(16))
    word, values = client.receive()
    assert (word, values["id"], values["approximate"]) == ("done", "7", "0")
    data = bytearray(os.pread(descriptor, length, RESULT * length))
    stylized = torch.frombuffer(data, dtype=torch.float32).view(3, HEIGHT, WIDTH)
    assert (stylized - rendered([picture], "itn")[0]).abs().max() < 1 / 255
    client.socket.close()
    assert worker.wait(SECONDS) == 0
    assert list(folder.iterdir()) == []


def render_message(**changes: object) -> bytes:
    fields = dict(
        id=7, editor="frei0r", run="r", width=WIDTH, height=HEIGHT, index=0, time=0, first=0, last=0,
        temporal=0, gap=0, frame_rate=0,
        style="red", mode="itn", strength=1, keep_color=0, keep_borders=1,
        style_scale=0, keyframe_interval=0, look_ahead=1,
        seed=0,
        device="cpu", weights="", linear=0, interactive=0, limit=60,
    )  # fmt: skip
    return encode("render", **{**fields, **changes})


@pytest.mark.parametrize(
    "answer",
    [
        encode("frame", id=7, index=1, hash=bytes(16)),
        encode("missing", id=7, index=-1),
        encode("need", id=7, index=0, slot=1),
        b"frame\nid=7\nindex=99999999999\nhash=" + b"00" * 16,
        b"frame\nid=7\nindex=0\nhash=00",
    ],
)
def test_an_answer_to_another_question_fails_the_request_at_once(start, folder, tiny_weights, answer):
    start()
    client = Client(folder / "s")
    client.send("hello", protocol=PROTOCOL, version="test")
    client.receive()
    descriptor = os.memfd_create("frames")
    os.ftruncate(descriptor, SLOTS * 3 * WIDTH * HEIGHT * 4)
    socket.send_fds(client.socket, [render_message(weights=tiny_weights)], [descriptor])
    assert client.receive()[0] == "need"
    client.socket.send(answer)
    word, values = client.receive()
    assert (word, values["id"]) == ("failed", "7")
    assert "vst plugin install" in values["message"]


def test_a_client_with_another_protocol_is_refused(start, folder):
    start()
    client = Client(folder / "s")
    client.send("hello", protocol=PROTOCOL + 1, version="later")
    word, values = client.receive()
    assert word == "failed"
    assert "vst plugin install" in values["message"]


def test_a_worker_ends_with_its_host_even_while_a_client_is_connected(start, folder):
    host, worker = start()
    client = Client(folder / "s")
    client.send("hello", protocol=PROTOCOL, version="test")
    assert client.receive()[0] == "hello"
    host.send_signal(signal.SIGKILL)
    host.wait()
    assert worker.wait(SECONDS) == 0


def test_missing_weights_give_an_error_that_says_what_to_do(start, folder, tmp_path):
    start()
    client = Client(folder / "s")
    client.send("hello", protocol=PROTOCOL, version="test")
    client.receive()
    client.send(
        "render", id=1, editor="openfx", run="r", width=8, height=8, index=0, time=0, first=0, last=0,
        temporal=1, gap=1, frame_rate=0,
        style="red", mode="itn", strength=1, keep_color=0, keep_borders=1,
        style_scale=0, keyframe_interval=0, look_ahead=1,
        seed=0, device="cpu", weights=tmp_path / "no", linear=0, interactive=0, limit=60,
    )  # fmt: skip
    word, values = client.receive()
    assert word == "failed"
    assert "does not exist" in values["message"] or "shares no memory" in values["message"]


def test_files_of_a_killed_worker_are_removed_by_the_next(start, folder):
    ended = subprocess.Popen(["true"])
    ended.wait()
    for name in (f"{ended.pid}.sock", f"{ended.pid}.sock.err", f"{os.getpid()}.sock", "notes"):
        (folder / name).touch()
    start()
    Client(folder / "s").socket.close()
    assert {each.name for each in folder.iterdir()} - {"s"} == {f"{os.getpid()}.sock", "notes"}


def test_a_folder_that_others_can_read_is_refused(folder):
    folder.chmod(0o755)
    with pytest.raises(VstError, match="closed to others"):
        Worker(folder / "s", os.getpid())


def test_a_link_to_a_folder_is_refused(folder, tmp_path):
    (tmp_path / "link").symlink_to(folder)
    with pytest.raises(VstError, match="closed to others"):
        Worker(tmp_path / "link" / "s", os.getpid())
