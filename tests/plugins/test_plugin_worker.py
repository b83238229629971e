"""The worker process of a plugin: when it starts and ends, and what happens when it fails."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from tests.plugins.conftest import wait_until


def has_ended(process: int) -> bool:
    """Whether a process with all of its threads has ended, reaped or not."""
    try:
        threads = list(Path(f"/proc/{process}/task").iterdir())
        return len(threads) == 1 and (threads[0] / "stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def stop(process: int) -> None:
    """Stop a process, with all of its threads."""
    os.kill(process, signal.SIGSTOP)
    tasks = Path(f"/proc/{process}/task")
    assert wait_until(
        lambda: (
            {(each / "stat").read_text().rpartition(")")[2].split()[0] for each in tasks.iterdir()} == {"T"}
        ),
        30,
    )


def write_worker(configuration: Path, folder: Path, script: str) -> None:
    """Let the plugin start a script in place of the worker."""
    python = folder / "python"
    python.write_text(f"#!{sys.executable}{script}")
    python.chmod(0o755)
    configuration.write_text(f"python={python}\npackage=/nowhere\nmode=vtn\nstyle=red\n")


def test_it_starts_at_the_first_render_and_ends_with_the_host(make_host, runtime):
    host = make_host()
    host.command("needed 3")
    assert host.workers() == []
    host.render(0)
    (worker,) = host.workers()
    host.render(1)
    host.command("instance")
    host.render(2)
    assert host.workers() == [worker]
    host.close()
    assert wait_until(lambda: not Path(f"/proc/{worker}").exists(), 10)
    assert list((runtime / "vst").iterdir()) == []


def test_the_folder_of_its_socket_is_private(make_host, runtime):
    host = make_host()
    host.render(0)
    assert (runtime / "vst").stat().st_mode & 0o777 == 0o700
    host.close()


def test_a_folder_that_others_can_read_is_refused(make_host, runtime):
    (runtime / "vst").mkdir(mode=0o755)
    host = make_host()
    host.render(0)
    assert host.statuses == [1]
    assert "closed to others" in host.message
    host.close()


def test_a_worker_killed_between_frames_is_replaced_without_an_error(make_host):
    host = make_host()
    first = host.render(3)
    (worker,) = host.workers()
    os.kill(worker, signal.SIGKILL)
    assert wait_until(lambda: has_ended(worker), 30)
    assert np.array_equal(host.render(3), first), host.message
    assert host.statuses == [0]
    host.close()


def test_a_worker_killed_during_a_frame_is_replaced_and_the_frame_repeated(make_host, in_order):
    host = make_host()
    host.render(0)
    (worker,) = host.workers()
    stop(worker)
    assert host.process.stdin is not None
    assert host.process.stdout is not None
    host.process.stdin.write("render 1\n")
    host.process.stdin.flush()
    time.sleep(0.3)
    os.kill(worker, signal.SIGKILL)
    stylized = host.result(host.process.stdout.readline().rstrip("\n"))
    assert host.statuses == [0], host.message
    assert np.array_equal(stylized[0], in_order[1])
    assert host.workers() not in ([], [worker])
    host.close()


# A worker that ends whenever it is asked for a frame.
ENDS_AT_ONCE = """
import os, socket, sys
path = sys.argv[sys.argv.index("--socket") + 1]
listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
listener.bind(path)
listener.listen()
with open(os.environ["STARTS"], "a") as starts:
    starts.write(".")
client, _ = listener.accept()
while packet := client.recv(16384):
    if packet.startswith(b"hello"):
        client.send(b"hello\\nprotocol=2")
    else:
        os.unlink(path)
        print("no memory", file=sys.stderr)
        os._exit(9)
"""


def test_a_worker_that_ends_at_every_attempt_is_started_twice_for_a_frame(
    make_host, configuration, tmp_path
):
    write_worker(configuration, tmp_path, ENDS_AT_ONCE)
    host = make_host(STARTS=str(tmp_path / "starts"))
    host.render(0)
    assert host.statuses == [1]
    assert "no memory" in host.message
    assert (tmp_path / "starts").read_text() == ".."
    host.close()


ASKS_FOR_ANOTHER = """
import socket, sys
listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
listener.bind(sys.argv[sys.argv.index("--socket") + 1])
listener.listen()
listener.settimeout(60)  # and end, once nobody connects
while True:
    client, _ = listener.accept()
    while packet := client.recv(16384):
        word, *lines = packet.decode().split("\\n")
        if word == "hello":
            client.send(b"hello\\nprotocol=2")
        if word == "render":
            client.send(f"NEED".replace("ID", lines[0]).encode())
"""


@pytest.mark.parametrize(
    "need",
    [
        "need\\nID\\nindex=7\\nslot=1",
        "need\\nID\\nindex=0\\nslot=2",
        "need\\nID\\nindex=-9223372036854775808\\nslot=1",
        "later\\nID",
    ],
)
def test_a_worker_that_asks_for_what_is_not_there_fails_the_frame_at_once(
    make_host, configuration, tmp_path, need
):
    write_worker(configuration, tmp_path, ASKS_FOR_ANOTHER.replace("NEED", need))
    host = make_host("temporal=no")
    began = time.monotonic()
    host.render(0)
    assert host.statuses == [1]
    assert "do not understand each other" in host.message
    assert time.monotonic() - began < 30  # not the time limits of a minute each
    host.close()


def test_a_frame_can_be_aborted_while_the_worker_hangs(make_host):
    host = make_host()
    host.render(0)
    (worker,) = host.workers()
    host.command("abort 400")
    stop(worker)
    host.render(1)
    os.kill(worker, signal.SIGCONT)
    assert host.statuses == [1]
    assert host.message == ""
    host.render(1)
    assert host.statuses == [0]
    host.close()


TIMEOUTS = ("VST_PLUGIN_RENDER_TIMEOUT", "VST_PLUGIN_LAUNCH_TIMEOUT")


def test_a_worker_is_killed_at_the_second_timeout_in_a_row(make_host):
    host = make_host()
    host.command("set mode 1")
    host.render(0)
    (worker,) = host.workers()
    stop(worker)
    for name in TIMEOUTS:
        host.command(f"environment {name} 2")
    host.render(1)
    assert host.statuses == [1]
    assert "sent nothing for 2 s" in host.message
    host.render(1)
    assert host.statuses == [1]
    assert wait_until(lambda: has_ended(worker), 30)
    for name in TIMEOUTS:  # the next worker has to start and to load its network
        host.command(f"environment {name} 60")
    host.render(1)
    assert host.statuses == [0], host.message
    assert host.workers() not in ([], [worker])
    host.close()


def test_a_worker_that_started_for_an_aborted_frame_serves_the_next(make_host):
    host = make_host()
    host.command("abort 60")
    host.render(0)
    assert host.statuses == [1]
    started = host.workers()
    host.render(0)
    assert host.statuses == [0]
    assert len(host.workers()) == 1
    assert started in ([], host.workers())
    host.close()


ANSWERS_AT_ONCE = """
import socket, sys
listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
listener.bind(sys.argv[sys.argv.index("--socket") + 1])
listener.listen()
client, _ = listener.accept()
while packet := client.recv(16384):
    word, *lines = packet.decode().split("\\n")
    if word == "hello":
        client.send(b"hello\\nprotocol=2")
    if word == "render":
        client.send(f"done\\n{lines[0]}".encode())
"""


def test_an_answer_that_arrives_as_the_frame_is_aborted_does_not_block_the_next(
    make_host, configuration, tmp_path
):
    write_worker(configuration, tmp_path, ANSWERS_AT_ONCE)
    host = make_host(VST_PLUGIN_RENDER_TIMEOUT="5")
    host.render(0)
    host.command("abort 0")
    host.render(1)
    assert host.statuses == [1]
    host.render(2)
    assert host.statuses == [0], host.message
    host.close()


def test_the_worker_ends_when_its_host_is_killed(make_host):
    host = make_host()
    host.render(0)
    (worker,) = host.workers()
    host.process.send_signal(signal.SIGKILL)
    host.process.wait()
    assert wait_until(lambda: host.workers() == [], 5)
    assert worker


def test_a_missing_python_gives_an_error_that_says_what_to_do(make_host, configuration):
    configuration.write_text("python=/nowhere/python\npackage=/nowhere\nmode=vtn\nstyle=red\n")
    host = make_host()
    host.render(0)
    assert host.statuses == [1]
    assert "cannot start /nowhere/python" in host.message
    assert "vst plugin install" in host.message
    host.close()


def test_a_python_without_vst_gives_an_error_that_says_so(make_host, configuration, tmp_path):
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho 'ModuleNotFoundError: No module named vst' >&2\nexit 1\n")
    python.chmod(0o755)
    configuration.write_text(f"python={python}\npackage=/nowhere\nmode=vtn\nstyle=red\n")
    host = make_host()
    host.render(0)
    assert host.statuses == [1]
    assert "No module named vst" in host.message
    assert "vst plugin check" in host.message
    host.close()


def test_a_missing_configuration_gives_an_error_that_says_to_install(make_host):
    host = make_host(VST_PLUGIN_CONFIG="/nowhere/vst.conf")
    host.render(0)
    assert host.statuses == [1]
    assert "vst plugin install" in host.message
    host.close()


def test_missing_weights_give_an_error_that_says_what_to_do(make_host):
    host = make_host()
    host.command("set weights /nowhere")
    host.render(0)
    assert host.statuses == [1]
    assert "/nowhere does not exist" in host.message
    host.close()


@pytest.mark.parametrize("when", ["idle", "busy"])
def test_a_replaced_worker_goes_on_with_the_shot_where_the_host_gives_the_current_frame_only(
    make_host, runtime, when
):
    other = make_host()
    other.command("set lookAhead 1")
    in_order = other.render(*range(5))
    other.close()
    host = make_host("temporal=no")
    assert np.array_equal(host.render(0, 1, 2), in_order[:3])
    (worker,) = host.workers()
    if when == "idle":
        os.kill(worker, signal.SIGKILL)
        assert wait_until(lambda: has_ended(worker), 30)
        stylized = host.render(3, 4)
    else:
        stop(worker)
        assert host.process.stdin is not None
        assert host.process.stdout is not None
        host.process.stdin.write("render 3 4\n")
        host.process.stdin.flush()
        time.sleep(0.3)
        os.kill(worker, signal.SIGKILL)
        stylized = host.result(host.process.stdout.readline().rstrip("\n"))
    assert host.statuses == [0, 0], host.message
    assert np.array_equal(stylized, in_order[3:5])
    host.close()
    assert wait_until(lambda: list((runtime / "vst").iterdir()) == [], 10)
