"""What all nodes of a cluster have to see: the clip, and the folder of the output."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterable, Iterator
from pathlib import Path

from vst.batch.cluster.works import SharedFile
from vst.errors import MediaError
from vst.media.file_errors import reason_of


@contextlib.contextmanager
def shared_files(folder: Path, inputs: Iterable[Path]) -> Iterator[tuple[SharedFile, ...]]:
    """Files for nodes to look at: the inputs, and for the block one in the folder of the output.

    Args:
        folder: The folder of the output.
        inputs: Files or folders that are read, absolute.

    Raises:
        MediaError: One cannot be read or written here.
    """
    seen = [_seen(path) for path in inputs]
    token = secrets.token_hex(16)
    file = folder / f".vst-shared-{token[:8]}"
    try:
        file.write_text(token)
    except OSError as error:
        raise MediaError(f"{folder} cannot be written: {reason_of(error)}") from error
    try:
        yield (SharedFile(str(folder), None), *seen, SharedFile(str(file), len(token), token))
    finally:
        with contextlib.suppress(OSError):
            file.unlink()


def _seen(path: Path) -> SharedFile:
    try:
        return SharedFile(str(path), None if path.is_dir() else path.stat().st_size)
    except (OSError, ValueError) as error:
        raise MediaError(f"{path} cannot be read: {reason_of(error)}") from error
