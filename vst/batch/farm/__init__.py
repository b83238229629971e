"""One render by many processes or machines: plan it, render its segments anywhere, join them.

    job = plan("clip.mov", RenderSettings(style="candy"), Path("job.json"))
    with SegmentRenderer(job) as renderer:
        for index in range(len(job.segments)):
            renderer.render(index)
    join(job)

The frames and the file are those of `vst.render`. Only the job file, the clip, the weights and the work
folder beside the output are shared.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vst.lazy import attribute

if TYPE_CHECKING:
    from vst.batch.farm.job_file import Job, PlannedSegment, read_job
    from vst.batch.farm.joining import join, joined
    from vst.batch.farm.planning import plan
    from vst.batch.farm.segment_renderer import SegmentRenderer, SegmentResult

_MODULES = {
    "Job": "vst.batch.farm.job_file",
    "PlannedSegment": "vst.batch.farm.job_file",
    "SegmentRenderer": "vst.batch.farm.segment_renderer",
    "SegmentResult": "vst.batch.farm.segment_renderer",
    "join": "vst.batch.farm.joining",
    "joined": "vst.batch.farm.joining",
    "plan": "vst.batch.farm.planning",
    "read_job": "vst.batch.farm.job_file",
}

__all__ = [
    "Job",
    "PlannedSegment",
    "SegmentRenderer",
    "SegmentResult",
    "join",
    "joined",
    "plan",
    "read_job",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module 'vst.batch.farm' has no attribute {name!r}")
    return attribute(_MODULES[name], name)
