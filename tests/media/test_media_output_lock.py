"""The lock of an output: one holder, which is a running process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from clips import make_clip

from vst.errors import MediaError
from vst.media import Reader, open_writer
from vst.media.segments.output_lock import OutputLock

ROOT = Path(__file__).parents[2]

HOLD = """
import sys, time
from pathlib import Path
from vst.media.segments.output_lock import OutputLock
lock = OutputLock(Path(sys.argv[1]))
lock.acquire()
print("held", flush=True)
time.sleep(600)
"""


def test_a_lock_has_one_holder_and_leaves_no_file(tmp_path):
    with OutputLock(tmp_path / "o.mp4") as held:
        assert held.path.exists()
        with pytest.raises(MediaError, match=r"o\.mp4 is being written by another render: wait for it"):
            OutputLock(tmp_path / "o.mp4").acquire()
        with OutputLock(tmp_path / "p.mp4"):
            pass
    with OutputLock(tmp_path / "o.mp4"):
        pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_the_lock_of_a_killed_process_is_free(tmp_path):
    output = tmp_path / "o.mp4"
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(output)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    with holder, holder.stdout:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(MediaError, match="being written by another"):
            OutputLock(output).acquire()
        os.kill(holder.pid, signal.SIGKILL)
        holder.wait()
        assert OutputLock(output).path.exists()
        with OutputLock(output):
            pass
    assert list(tmp_path.iterdir()) == []


def test_a_lock_file_that_was_removed_while_it_was_being_locked_is_not_used(tmp_path, monkeypatch):
    first = OutputLock(tmp_path / "o.mp4")
    first.acquire()
    opened = OutputLock._open

    def slow(self):
        file = opened(self)
        first.release()
        return file

    monkeypatch.setattr(OutputLock, "_open", slow)
    with OutputLock(tmp_path / "o.mp4") as second:
        # Its own file, not the one that the first took away.
        assert second.path.exists()


def test_a_second_writer_of_the_same_sequence_is_refused(tmp_path):
    reader = Reader(make_clip(tmp_path / "c.mp4", frames=2))
    target = tmp_path / "out" / "%02d.png"
    with open_writer(target, reader.info) as writer:
        with pytest.raises(MediaError, match=r"%02d\.png is being written by another"):
            open_writer(target, reader.info)
        for frame in reader:
            writer.write(frame)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["01.png", "02.png"]


def test_an_output_that_appears_while_waiting_for_the_lock_is_not_replaced(tmp_path, monkeypatch):
    reader = Reader(make_clip(tmp_path / "c.mp4", frames=2))
    acquire = OutputLock.acquire

    def late(self):
        (tmp_path / "o.mp4").write_text("by another")
        acquire(self)

    monkeypatch.setattr(OutputLock, "acquire", late)
    with pytest.raises(MediaError, match=r"o\.mp4 exists already"):
        open_writer(tmp_path / "o.mp4", reader.info)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["c.mp4", "o.mp4"]
