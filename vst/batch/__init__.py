"""Batches: every clip and picture in a folder, rendered into another folder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vst.lazy import attribute

if TYPE_CHECKING:
    from vst.batch.batch_file import BatchFile, FileResult, FileState
    from vst.batch.left_out import LeftOut, Reason
    from vst.batch.runner import Watcher, run

_MODULES = {
    "BatchFile": "vst.batch.batch_file",
    "FileResult": "vst.batch.batch_file",
    "FileState": "vst.batch.batch_file",
    "LeftOut": "vst.batch.left_out",
    "Reason": "vst.batch.left_out",
    "Watcher": "vst.batch.runner",
    "run": "vst.batch.runner",
}

__all__ = ["BatchFile", "FileResult", "FileState", "LeftOut", "Reason", "Watcher", "run"]


# A process on a node imports `vst.batch.cluster.node_worker` before it can decide how torch's threads wait.
def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module 'vst.batch' has no attribute {name!r}")
    return attribute(_MODULES[name], name)
