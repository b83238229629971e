"""Hardware decoding: which devices there are, and whether one decodes a clip. It is off by default."""

from __future__ import annotations

from pathlib import Path

import av
from av.codec.hwaccel import HWAccel, HWDeviceType, hwdevices_available

from vst.errors import MediaError, UsageError, suggestion
from vst.media.file_errors import reason_of
from vst.media.libav import decoding_options, open_input
from vst.media.notes import Note
from vst.media.probe.clip_info import ClipInfo
from vst.media.probe.first_frame import first_frame

NONE, AUTO = "none", "auto"
"""Values of ``--hwaccel`` beside the names of devices."""

PREFERRED_DEVICES = ("videotoolbox", "d3d11va", "cuda", "vaapi", "vulkan")
"""The order in which `AUTO` tries devices, before all others: those of the operating system first."""

PROBED_CODECS = ("h264", "hevc", "vp9", "mpeg2video")
"""A device is listed if it decodes one of these."""


def known_devices() -> list[str]:
    """The kinds of devices that this build of libav supports, whether this machine has one or not."""
    built = set(hwdevices_available())
    return sorted((name for name in built if decodes(name)), key=_rank)


def decodes(device: str) -> list[str]:
    """The codecs of `PROBED_CODECS` that this build of libav decodes with a kind of device."""
    found = []
    for codec in PROBED_CODECS:
        configs = av.codec.Codec(codec, "r").hardware_configs
        if any(config.is_supported and config.device_type.name == device for config in configs):
            found.append(codec)
    return found


def _rank(device: str) -> tuple[int, str]:
    return (
        PREFERRED_DEVICES.index(device) if device in PREFERRED_DEVICES else len(PREFERRED_DEVICES),
        device,
    )


def check_hwaccel(name: str) -> None:
    """Check the value of ``--hwaccel``.

    Raises:
        UsageError: For a name that libav does not have, or that this build of it does not support.
    """
    built = known_devices()
    if name in (NONE, AUTO, *built):
        return
    every = [each.name for each in HWDeviceType if each.name != NONE]
    if name in every:
        has = ", ".join(built) or "none"
        raise UsageError(
            f"hwaccel {name} is not in this build of PyAV, which has {has}: choose one of these or auto"
        )
    raise UsageError(f"hwaccel is {name!r}: {suggestion(name, (NONE, AUTO, *built))}")


def device_of(name: str) -> HWAccel:
    """A device for `open_input`, which opens it; it never falls back to software."""
    return HWAccel(name, allow_software_fallback=False)


def why_no_device(name: str) -> str | None:
    """Why no device of a kind can be opened on this machine; None if one can."""
    try:
        device_of(name).create(av.codec.Codec(decodes(name)[0], "r"))
    except (av.FFmpegError, ValueError, NotImplementedError) as error:
        return reason_of(error)
    return None


def choose_device(name: str, clip: ClipInfo) -> tuple[str | None, Note | None]:
    """Choose the device that decodes a clip.

    Args:
        name: The value of ``--hwaccel``. With `AUTO`, a clip that no device decodes is decoded in software.
        clip: The clip.

    Returns:
        The kind of device, None for software; and a note for the user.

    Raises:
        UsageError: As `check_hwaccel`.
        MediaError: If a device that was named is not available, or does not decode the clip.
    """
    check_hwaccel(name)
    if name == NONE or not clip.in_container:
        return None, None
    if name != AUTO:
        failure = _decoding_failure(name, clip)
        if failure is not None:
            raise MediaError(f"{clip.path}: {failure}; leave --hwaccel out, or use --hwaccel auto")
        return name, Note(f"decoded by {name}")
    reasons = []
    for device in known_devices():
        failure = _decoding_failure(device, clip)
        if failure is None:
            return device, Note(f"decoded by {device}")
        reasons.append(failure)
    reason = "; ".join(reasons) or "this build of PyAV has no hardware decoders"
    return None, Note(f"decoded in software: {reason}")


def _decoding_failure(device: str, clip: ClipInfo) -> str | None:
    """Why a device cannot decode a clip; None if it decodes the first frame."""
    if clip.has_alpha and clip.codec in ("vp8", "vp9"):
        return f"{device} does not decode the alpha channel of {clip.codec}"
    missing = why_no_device(device)
    if missing is not None:
        return f"this machine has no {device} device that can be opened ({missing})"
    try:
        if _decodes_first_frame(device, clip.path, clip.stream_index):
            return None
    except MediaError as error:
        return f"{device} does not decode {clip.codec} ({reason_of(error.__cause__ or error)})"
    stored = clip.stored
    return (
        f"{device} does not decode this clip ({clip.codec}, {clip.pix_fmt}, {stored.width}×{stored.height})"
    )


def _decodes_first_frame(device: str, path: Path, index: int) -> bool:
    with open_input(path, device_of(device)) as container:
        stream = container.streams[index]
        assert isinstance(stream, av.VideoStream)
        stream.codec_context.options = decoding_options()
        return stream.codec_context.is_hwaccel and first_frame(path, container, stream) is not None
