"""Files among the training data that are not learned from."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from vst.summary import named

SKIPPED_NAME = "skipped.txt"
"""In the folder of a run: every file that was skipped, and why; some twice, by several processes."""

MAX_NAMED = 5
"""Names that `lines` gives for each reason; the others are counted."""


class SkippedFiles:
    """Records what was skipped, and why.

    The processes that make batches record what they cannot decode in a file, so that it is known to the
    process that waits for them, and to the user afterwards.

    Args:
        record: The file, created when the first name is added; one of an earlier run is removed.
            None: the names are known to this process only.
    """

    def __init__(self, record: Path | None = None) -> None:
        self._record = record
        self._reasons: dict[str, str] = {}
        self._lock = threading.Lock()
        if record is not None:
            record.unlink(missing_ok=True)

    def __getstate__(self) -> tuple[Path | None, dict[str, str]]:
        return self._record, self._reasons

    def __setstate__(self, state: tuple[Path | None, dict[str, str]]) -> None:
        self._record, self._reasons = state
        self._lock = threading.Lock()

    def __contains__(self, name: str) -> bool:
        return name in self._reasons

    def add(self, name: str, reason: str) -> None:
        """Record a file, once."""
        name, reason = " ".join(name.split()), " ".join(reason.split())
        with self._lock:
            if name in self._reasons:
                return
            self._reasons[name] = reason
            if self._record is not None:
                self._record.parent.mkdir(parents=True, exist_ok=True)
                # One short write to a file that is open for appending is not mixed with other processes'.
                with self._record.open("a", encoding="utf-8", errors="surrogateescape") as stream:
                    stream.write(f"{reason}\t{name}\n")

    def reasons(self) -> dict[str, str]:
        """Name and reason of everything that this and the other processes skipped."""
        if self._record is not None and self._record.exists():
            text = self._record.read_text(encoding="utf-8", errors="surrogateescape")
            lines = (line.partition("\t") for line in text.split("\n") if line)
            return self._reasons | {name: reason for reason, _, name in lines}
        return dict(self._reasons)

    @contextmanager
    def named_at_end(self, say: Callable[[str], None] | None) -> Iterator[None]:
        """Name what was skipped at the end of the block, also after an error; None says nothing."""
        try:
            yield
        finally:
            if say is not None:
                for line in self.lines():
                    say(line)

    def lines(self) -> Iterator[str]:
        """A line for each reason: the number of files, and some names."""
        names: dict[str, list[str]] = {}
        for name, reason in sorted(self.reasons().items()):
            names.setdefault(reason, []).append(name)
        for reason, found in sorted(names.items()):
            yield named(f"skipped, {reason}", found, MAX_NAMED)
