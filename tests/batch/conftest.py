from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

import vst.batch.runner
from vst.errors import CutShort, Interrupted, MediaError
from vst.media.segments.transaction import incomplete_name
from vst.pipeline import Progress, Report


@pytest.fixture
def footage(tmp_path: Path) -> Path:
    """A folder of text files with the names of media."""
    folder = tmp_path / "footage"
    for name in (
        "a/one.mov",
        "a/deep/two.MP4",
        "b/photo.jpg",
        "b/notes.txt",
        "b/._one.mov",
        ".cache/x.mov",
    ):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return folder


class FakeRender:
    """Writes the source in capitals. Files that contain ``broken``, ``surprise`` or ``torn`` fail."""

    def __init__(self) -> None:
        self.calls: list[tuple[Path, object]] = []
        self.stop_in: str | None = None

    def __call__(self, source, settings, output, *, progress, stop: threading.Event):
        self.calls.append((source, settings))
        if source.name == self.stop_in:
            stop.set()
        if stop.is_set():
            raise Interrupted("stopped")
        text = source.read_text()
        if "broken" in text:
            raise MediaError(f"{source} is broken")
        if "surprise" in text:
            raise ZeroDivisionError("by zero")
        if "torn" in text:
            part = incomplete_name(output)
            part.write_text(text.upper())
            raise CutShort(f"{source} is torn; the frames before are in {part}", kept=part)
        progress(Progress(1, 1, 1.0, 0.0, "stylize"))
        output.write_text(text.upper())
        return Report(source, output, 1, 1, 0.5, (), settings)

    @property
    def names(self) -> list[str]:
        return [source.name for source, _ in self.calls]


@pytest.fixture
def fake_render(monkeypatch) -> FakeRender:
    """Replaces the render, and the check that the style exists."""
    fake = FakeRender()
    monkeypatch.setattr(vst.batch.runner, "render", fake)
    monkeypatch.setattr(vst.batch.runner, "check_settings", lambda settings: None)
    # Not so many as this machine has cores for: other processes would not see what is replaced here.
    monkeypatch.setattr(vst.batch.runner, "default_jobs", lambda device: 1)
    return fake


@pytest.fixture
def touch():
    """Gives a file new content and a later time."""

    def change(path: Path, text: str) -> None:
        path.write_text(text)
        later = path.stat().st_mtime_ns + 2_000_000_000
        os.utime(path, ns=(later, later))

    return change
