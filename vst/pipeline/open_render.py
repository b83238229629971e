"""Opening the output of a render, and what is known of a render once its clip and network are open."""

from __future__ import annotations

import threading

from vst.media import ClipInfo, Encoding, Writer, open_writer
from vst.media.segments.segment_transaction import Part
from vst.modes import backend_of
from vst.pipeline.fingerprint import Fingerprint, fingerprint_of
from vst.pipeline.frame_size import output_size
from vst.pipeline.memory_estimate import Prediction, check_memory, predict_memory
from vst.pipeline.optimisation_run import optimisation_fingerprint
from vst.pipeline.plan import RenderPlan
from vst.pipeline.provenance import provenance_of
from vst.pipeline.session import StylizerSession
from vst.sizes import MIB


def sizes_of(plan: RenderPlan, info: ClipInfo) -> tuple[tuple[int, int], tuple[int, int] | None]:
    """Width and height of the output, and those at which frames are stylized."""
    size = output_size(info.width, info.height, plan.settings, plan.default_side)
    return size, plan.working(*size)


def open_output(
    plan: RenderPlan,
    info: ClipInfo,
    size: tuple[int, int],
    stop: threading.Event | None,
    part: Part | None = None,
) -> Writer:
    """The writer of a render.

    Args:
        plan: What to render.
        info: The clip.
        size: Width and height of the output.
        stop: Set by the caller to stop.
        part: One segment, if nothing else is written.

    Raises:
        UsageError: The output cannot be encoded as the settings say.
        MediaError: It cannot be written.
    """
    settings = plan.settings
    return open_writer(
        plan.target,
        info,
        Encoding(settings.codec, settings.crf, settings.pix_fmt, provenance_of(plan, info)),
        width=size[0],
        height=size[1],
        overwrite=settings.overwrite,
        segment_frames=None,
        resumable=plan.resumes,
        min_free=int(settings.min_free * MIB),
        stop=stop,
        pipe_format=settings.pipe_format,
        part=part,
    )


def predict_session_memory(plan: RenderPlan, info: ClipInfo, session: StylizerSession) -> Prediction:
    """The memory that a render takes.

    Raises:
        VstError: There is not enough.
    """
    assert session.size is not None
    prediction = predict_memory(
        session.stylizer,
        plan.device,
        session.size,
        session.working,
        planes=4 if info.has_alpha else 3,
        frames=1 if info.is_still else info.frames,
        keyframes=session.keyframes,
    )
    check_memory(prediction, plan.device, session.size, session.working)
    return prediction


def session_fingerprint(
    plan: RenderPlan, info: ClipInfo, session: StylizerSession, writer: Writer
) -> Fingerprint:
    """The fingerprint of a render, and what its finished segments contain beside the frames."""
    found = frames_fingerprint(plan, info, session)
    return found | optimisation_fingerprint(plan, session.stylizer) | writer.segment_contents


def frames_fingerprint(plan: RenderPlan, info: ClipInfo, session: StylizerSession) -> Fingerprint:
    """What the frames of a render depend on, on this machine."""
    return fingerprint_of(
        plan.settings,
        info,
        plan.device,
        plan.precision,
        plan.weight_files,
        session.motion,
        backend_of(session.stylizer),
        () if session.masks is None else session.masks.infos,
    )
