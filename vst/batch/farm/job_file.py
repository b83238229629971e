"""The job file: everything that rendering a segment on another machine needs, as JSON.

It is read as if anybody had written it: sizes are limited, types and ranges checked, and the only files
that it leads to are the clip, weights, recorded flow, and a work folder beside the output.
"""

from __future__ import annotations

import hashlib
import json
import os
import struct
from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import vst
from vst.batch.farm.inputs import InputDigests
from vst.batch.farm.settings_json import settings_from_json, settings_to_json, stored_path
from vst.errors import UsageError, VstError
from vst.files import write_whole
from vst.media.decode.decoder import SeekPoint
from vst.media.file_errors import reason_of
from vst.media.segments.transaction import work_folder_of
from vst.media.segments.work_folder import WorkFolder
from vst.pipeline.fingerprint import Fingerprint
from vst.pipeline.frame_range import RenderStart
from vst.pipeline.plan import RenderPlan, plan_render
from vst.pipeline.resume import describe
from vst.pipeline.settings import RenderSettings
from vst.stream_paths import is_output_stream, is_stream

JOB_FORMAT = 1
"""Version of job files."""

MAX_JOB_BYTES = 256 * 2**20

_MAX_NUMBER = 2**62

_DECIDED = ("device", "precision", "backend", "threads", "flow")
"""Options that a plan decides, if the user leaves them to it."""


@dataclass(frozen=True)
class Cost:
    """What rendering a segment takes.

    Attributes:
        decoded: Number of frames that are decoded.
        stylized: Number of frames that the network stylizes whole, about: where flow cannot be trusted,
            there are more keyframes.
    """

    decoded: int
    stylized: int


@dataclass(frozen=True)
class PlannedSegment:
    """One segment of a job.

    Attributes:
        first: Index of its first frame in the clip.
        frames: Number of frames.
        shot: Index of the first frame of its shot.
        after: The segment whose snapshot it begins from; None if it needs none. Without any snapshot of
            the shot it is stylized from its first frame.
        stamp_before: Timestamp in the output of the frame before its first; None if there is none.
        decode_from: Index of the first frame that is decoded, if no snapshot is used.
        stylize_from: Index of the first frame that is stylized, if no snapshot is used.
        cost: With the snapshot of the segment before, if there is one.
        replay_cost: Without that snapshot.
    """

    first: int
    frames: int
    shot: int
    after: int | None
    stamp_before: int | None
    decode_from: int
    stylize_from: int
    cost: Cost
    replay_cost: Cost

    @property
    def end(self) -> int:
        """Index of the frame after its last."""
        return self.first + self.frames


@dataclass(frozen=True)
class Job:
    """A render that was planned, to be carried out by any number of processes.

    Many attributes: what a job file has.

    Attributes:
        path: The job file, absolute.
        source: The clip, absolute.
        output: The output, absolute.
        settings: With device, precision, backend, flow and threads as chosen for the whole render.
        inputs: What is recorded of the clip.
        masks: What is recorded of each mask that is a file.
        weights: SHA-256 of each weight file, by name.
        fingerprint: Of the render.
        start: Its first frame.
        segment_frames: The longest segment.
        segments: In order.
        checked_from: Index of the first frame that has a checksum.
        checksums: A checksum of each decoded frame, from that one on.
        seek_points: Frames at which decoding can begin.
    """

    path: Path
    source: Path
    output: Path
    settings: RenderSettings
    inputs: InputDigests
    masks: tuple[InputDigests, ...]
    weights: dict[str, str]
    fingerprint: Fingerprint
    start: RenderStart
    segment_frames: int
    segments: tuple[PlannedSegment, ...]
    checked_from: int
    checksums: tuple[int, ...]
    seek_points: tuple[SeekPoint, ...]

    @property
    def frames(self) -> int:
        """Number of frames of the output."""
        return sum(segment.frames for segment in self.segments)

    @property
    def description(self) -> dict[str, Any]:
        """The description of the render in its work folder."""
        return describe(self.fingerprint, self.start)

    @property
    def work(self) -> WorkFolder:
        """The work folder, beside the output."""
        return work_folder_of(self.output)

    @property
    def shots(self) -> int:
        """Number of shots of which there are frames in the output."""
        return len({segment.shot for segment in self.segments})

    def shots_before(self, segment: PlannedSegment) -> int:
        """How many shots of the clip there are before that of a segment."""
        begun = {each.shot for each in self.segments if each.shot < segment.shot}
        return self.start.number + len(begun)

    def plan(self) -> RenderPlan:
        """The render, resolved on this machine.

        Raises:
            UsageError: The style, mode or estimator is unknown here.
            VstError: The device or estimator is not available.
        """
        return plan_render(self.source, self.settings, self.output)

    def is_for(self, settings: RenderSettings) -> bool:
        """Whether the job was planned with these settings, which may leave to it what it has decided."""
        left = [name for name in _DECIDED if getattr(settings, name) in (None, "auto")]
        if settings.seconds is not None:
            left += ["seconds", "steps"]
        decided: dict[str, Any] = {name: getattr(self.settings, name) for name in left}
        return replace(settings, **decided) == self.settings

    def numbered(self, index: int) -> PlannedSegment:
        """The segment with a number.

        Raises:
            UsageError: There is none.
        """
        if not 0 <= index < len(self.segments):
            raise UsageError(
                f"segment {index} is not in {self.path.name}; expected 0 to {len(self.segments) - 1}"
            )
        return self.segments[index]


def write_job(job: Job) -> None:
    """Write a job file.

    Raises:
        MediaError: It cannot be written.
    """
    folder = job.path.parent
    values = {
        "format": JOB_FORMAT,
        "vst": vst.__version__,
        "source": stored_path(job.source, folder),
        "output": stored_path(job.output, folder),
        "settings": settings_to_json(job.settings, folder),
        "inputs": asdict(job.inputs),
        "masks": list(map(asdict, job.masks)),
        "weights": job.weights,
        "fingerprint": job.fingerprint,
        "start": {
            "first": job.start.first,
            "time": str(job.start.time),
            "shot": job.start.shot,
            "number": job.start.number,
        },
        "segment_frames": job.segment_frames,
        "segments": [asdict(segment) for segment in job.segments],
        "checked_from": job.checked_from,
        "checksums": "".join(f"{checksum:08x}" for checksum in job.checksums),
        "seek_points": " ".join(f"{point.frame}:{point.pts}" for point in job.seek_points),
    }
    text = json.dumps({"digest": _digest(values), **values}, indent=1)
    write_whole(job.path, text.encode())


def read_job(path: Path | str) -> Job:
    """Read a job file.

    Raises:
        VstError: It cannot be read, was edited, was planned by another version of vst, or is not valid.
    """
    path = Path(os.path.abspath(path))
    try:
        with path.open("rb") as file:
            content = file.read(MAX_JOB_BYTES + 1)
    except (OSError, ValueError) as error:
        raise VstError(
            f"{path} cannot be read: {reason_of(error)}; expected a job of 'vst plan'"
        ) from error
    if len(content) > MAX_JOB_BYTES:
        raise VstError(f"{path} is larger than a job of 'vst plan' can be")
    try:
        values = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise VstError(f"{path} is no job of 'vst plan', or was cut short: plan it again") from error
    if not isinstance(values, dict) or "digest" not in values:
        raise VstError(f"{path} is no job of 'vst plan': expected the file that its -o names")
    version = values.get("vst")
    if values.get("format") != JOB_FORMAT or version != vst.__version__:
        raise VstError(
            f"{path} was planned by vst {str(version)[:20]}, and this is vst {vst.__version__}: use the "
            "same version, or plan the job again"
        )
    if values.pop("digest") != _digest(values):
        raise VstError(f"{path} was edited or damaged after it was planned: plan the job again")
    try:
        job = _job_of(path, values)
        _check_order(job)
    except (
        UsageError,
        KeyError,
        TypeError,
        ValueError,
        AttributeError,
        ZeroDivisionError,
        struct.error,
    ) as error:
        raise VstError(f"{path} is not valid ({error}): plan the job again") from error
    return job


def _digest(values: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


def _job_of(path: Path, values: dict[str, Any]) -> Job:
    folder, start = path.parent, values["start"]
    checksums = bytes.fromhex(_text(values["checksums"]))
    source, output = (folder / _text(values[name]) for name in ("source", "output"))
    if is_stream(source) or is_output_stream(output):
        raise ValueError("a stream cannot be rendered in segments")
    settings = settings_from_json(values["settings"], folder)
    return Job(
        path,
        source,
        output,
        settings,
        _input_digests(values["inputs"]),
        tuple(map(_input_digests, values["masks"])),
        _texts(values["weights"]),
        _texts(values["fingerprint"]),
        RenderStart(
            _number(start["first"]),
            Fraction(_text(start["time"])),
            _number(start["shot"]),
            _number(start["number"]),
        ),
        _number(values["segment_frames"], 1),
        tuple(map(_segment, values["segments"])),
        _number(values["checked_from"]),
        struct.unpack(f">{len(checksums) // 4}I", checksums),
        tuple(map(_seek_point, _text(values["seek_points"]).split())),
    )


def _input_digests(values: dict[str, Any]) -> InputDigests:
    return InputDigests(_text(values["times"]), _text(values["contents"]))


def _segment(values: dict[str, Any]) -> PlannedSegment:
    after, stamp = values["after"], values["stamp_before"]
    return PlannedSegment(
        _number(values["first"]),
        _number(values["frames"], 1),
        _number(values["shot"]),
        None if after is None else _number(after),
        None if stamp is None else _number(stamp, -_MAX_NUMBER),
        _number(values["decode_from"]),
        _number(values["stylize_from"]),
        *(
            Cost(_number(values[name]["decoded"]), _number(values[name]["stylized"]))
            for name in ("cost", "replay_cost")
        ),
    )


def _seek_point(text: str) -> SeekPoint:
    frame, _, pts = text.partition(":")
    return SeekPoint(_number(int(frame)), _number(int(pts), -_MAX_NUMBER))


def _check_order(job: Job) -> None:
    """Check that segments and seek points follow each other."""
    if not job.segments:
        raise ValueError("it has no segments")
    first, shot = job.start.first, job.start.shot
    for index, segment in enumerate(job.segments):
        if segment.first != first or not shot <= segment.shot <= first:
            raise ValueError(f"segment {index} does not follow the one before")
        if segment.frames > job.segment_frames or segment.after not in (None, index - 1):
            raise ValueError(f"segment {index} is not possible")
        first, shot = segment.end, segment.shot
    frames = [point.frame for point in job.seek_points]
    if frames != sorted(set(frames)):
        raise ValueError("the seek points are not in order")


def _number(value: Any, low: int = 0) -> int:
    if type(value) is not int or not low <= value <= _MAX_NUMBER:
        raise ValueError(f"{str(value)[:40]!r} is no number that is expected there")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str) or "\0" in value:
        raise ValueError(f"{str(value)[:40]!r} is no text that is expected there")
    return value


def _texts(values: Any) -> dict[str, str]:
    return {_text(name): _text(value) for name, value in dict(values).items()}
