"""A template of Open Job Description (https://github.com/OpenJobDescription) for a job.

Render managers such as AWS Deadline Cloud run it, and the command ``openjd`` on one machine. A contiguous
chunk of segments is a task, because a segment in a shot goes on from the one before. A second step joins
them.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

from vst.batch.farm.job_file import Job
from vst.errors import UsageError
from vst.files import check_new_file, write_whole

SEGMENTS_PER_TASK = 4
"""Default; the user who submits the job may choose another."""

_TEMPLATE = """\
specificationVersion: jobtemplate-2023-09
extensions: [TASK_CHUNKING]
name: {name}
description: Stylizes {frames} frames in {segments} segments, and joins them. Made by vst plan.
parameterDefinitions:
  - name: Folder
    type: PATH
    objectType: DIRECTORY
    dataFlow: INOUT
    default: .
    description: The folder of the job file, which every worker sees.
  - name: Job
    type: STRING
    default: {job}
    description: The job file in that folder.
  - name: Vst
    type: STRING
    default: vst
    description: The command on the workers.
  - name: SegmentsPerTask
    type: INT
    default: {chunk}
    minValue: 1
    maxValue: 150
    description: Segments that one task renders, one after the other.
steps:
  - name: Segments
    parameterSpace:
      taskParameterDefinitions:
        - name: Segment
          type: CHUNK[INT]
          range: {range}
          chunks:
            defaultTaskCount: "{{{{Param.SegmentsPerTask}}}}"
            rangeConstraint: CONTIGUOUS
    script:
      actions:
        onRun:
          command: "{{{{Param.Vst}}}}"
          args: [segment, "{{{{Param.Folder}}}}/{{{{Param.Job}}}}", "{{{{Task.Param.Segment}}}}"]
          cancelation: {{mode: NOTIFY_THEN_TERMINATE, notifyPeriodInSeconds: 60}}
  - name: Join
    dependencies:
      - dependsOn: Segments
    script:
      actions:
        onRun:
          command: "{{{{Param.Vst}}}}"
          args: [join, "{{{{Param.Folder}}}}/{{{{Param.Job}}}}"]
"""


def check_template_path(path: Path, job_path: Path, overwrite: bool) -> None:
    """Check that a template can be written.

    Args:
        path: The template.
        job_path: The job file.
        overwrite: Whether an existing file may be replaced.

    Raises:
        UsageError: It would not be in the folder of the job file, or not have the suffix of a template.
        MediaError: It exists, or cannot be written.
    """
    if path.suffix.lower() not in (".yaml", ".yml"):
        raise UsageError(f"{path.name} is no name of a template: expected one such as template.yaml")
    if Path(os.path.abspath(path)).parent != Path(os.path.abspath(job_path)).parent:
        raise UsageError(f"{path} is not in the folder of {job_path}: give both the same folder")
    check_new_file(path, overwrite, [job_path])


def write_template(job: Job, path: Path) -> None:
    """Write the template for a job, beside its file.

    Raises:
        MediaError: It cannot be written.
    """
    # Braces have a meaning in a template's name.
    name = re.sub(r"[^\w .-]", "_", f"vst {job.output.name}")[:100]
    text = _TEMPLATE.format(
        name=json.dumps(name),
        frames=job.frames,
        segments=len(job.segments),
        job=json.dumps(job.path.name),
        chunk=SEGMENTS_PER_TASK,
        range=json.dumps(f"0-{len(job.segments) - 1}"),
    )
    write_whole(path, text.encode())
