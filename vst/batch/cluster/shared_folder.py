"""What all nodes of a cluster have to see: the clip, and the folder of the output."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterable, Iterator
from pathlib import Path

from vst.batch.cluster.works import SharedFile
from vst.errors import MediaError
from vst.files import hidden_name
from vst.media.file_errors import reason_of
from vst.media.stills.sequence import is_pattern
from vst.pipeline.settings import RenderSettings


@contextlib.contextmanager
def shared_files(output: Path, inputs: Iterable[Path]) -> Iterator[tuple[SharedFile, ...]]:
    """Files for nodes to look at: the inputs, and for the block one in the folder of the output.

    Args:
        output: The output. Files that a killed render of it has left are removed.
        inputs: Files or folders that are read, absolute.

    Raises:
        MediaError: One cannot be read or written here.
    """
    seen = [_seen(path) for path in inputs]
    # The name is new each time, because network disks may show old files for a while.
    folder, token = output.parent, secrets.token_hex(16)
    prefix = hidden_name(output.name, f".vst-shared-{token[:8]}")[:-8]
    file = folder / f"{prefix}{token[:8]}"
    try:
        for left in [each for each in folder.iterdir() if each.name.startswith(prefix)]:
            left.unlink()
        file.write_text(token)
    except OSError as error:
        raise MediaError(f"{folder} cannot be written: {reason_of(error)}") from error
    try:
        yield (SharedFile(str(folder), None), *seen, SharedFile(str(file), len(token), token))
    finally:
        with contextlib.suppress(OSError):
            file.unlink()


def mask_places(settings: RenderSettings) -> list[Path]:
    """The files of the masks of settings, absolute; of a sequence its folder."""
    layers = settings.layers
    files = [
        Path(mask.file).absolute() for mask in (layers.masks if layers else ()) if not mask.is_clip_alpha
    ]
    return [file.parent if is_pattern(file) else file for file in files]


def _seen(path: Path) -> SharedFile:
    try:
        return SharedFile(str(path), None if path.is_dir() else path.stat().st_size)
    except (OSError, ValueError) as error:
        raise MediaError(f"{path} cannot be read: {reason_of(error)}") from error
