"""Decoding on a graphics device, for those who ask for it: what is there, and whether it takes a clip."""

from __future__ import annotations

from pathlib import Path

import av
from av.codec.hwaccel import HWAccel, HWDeviceType, hwdevices_available

from vst.errors import MediaError, UsageError, suggestion
from vst.media.probe.clip import ClipInfo, first_frame
from vst.media.probe.containers import decoding_options, open_input, reason_of

NONE, AUTO = "none", "auto"

PREFERRED = ("videotoolbox", "d3d11va", "cuda", "vaapi", "vulkan")
"""In which order `AUTO` tries them, before all others: what belongs to the system first."""

PROBED_CODECS = ("h264", "hevc", "vp9", "mpeg2video")
"""A device is of use if it decodes one of these."""


def known_devices() -> list[str]:
    """The kinds of devices that this build of libav decodes with, whether this machine has one or not."""
    built = set(hwdevices_available())
    return sorted((name for name in built if decodes(name)), key=_rank)


def decodes(device: str) -> list[str]:
    """The codecs of `PROBED_CODECS` for which this build of libav uses a kind of device."""
    found = []
    for codec in PROBED_CODECS:
        configs = av.codec.Codec(codec, "r").hardware_configs
        if any(config.is_supported and config.device_type.name == device for config in configs):
            found.append(codec)
    return found


def _rank(device: str) -> tuple[int, str]:
    return (PREFERRED.index(device) if device in PREFERRED else len(PREFERRED), device)


def check_hwaccel(name: str) -> None:
    """Refuse a kind of device that there is not, before anything is opened.

    Raises:
        UsageError: For a name that libav does not have, or that this build of it leaves out.
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
    """A device of a kind, for `open_input`; nothing is opened yet. It never falls back to software."""
    return HWAccel(name, allow_software_fallback=False)


def why_no_device(name: str) -> str | None:
    """Why no device of a known kind can be opened on this machine, None if one can."""
    try:
        device_of(name).create(av.codec.Codec(decodes(name)[0], "r"))
    except (av.FFmpegError, ValueError, NotImplementedError) as error:
        return reason_of(error)
    return None


def choose_device(name: str, clip: ClipInfo) -> tuple[str | None, str | None]:
    """The kind of device that decodes a clip, None for software; and a note for the user.

    A device that is asked for by name is used or the clip refused; with `AUTO`, what does not work is
    decoded in software.

    Raises:
        UsageError: As `check_hwaccel`.
        MediaError: If the device is not there, or does not take the clip.
    """
    check_hwaccel(name)
    if name == NONE or not clip.in_container:
        return None, None
    if name != AUTO:
        refused = _why_not(name, clip)
        if refused is not None:
            raise MediaError(f"{clip.path}: {refused}; leave --hwaccel out, or let it be auto")
        return name, f"decoded by {name}"
    reasons = []
    for device in known_devices():
        refused = _why_not(device, clip)
        if refused is None:
            return device, f"decoded by {device}"
        reasons.append(refused)
    return (
        None,
        f"decoded in software: {'; '.join(reasons) or 'this build of PyAV has no hardware decoders'}",
    )


def _why_not(device: str, clip: ClipInfo) -> str | None:
    """Why a device cannot decode a clip; None if its first frame came out."""
    if clip.has_alpha and clip.codec in ("vp8", "vp9"):
        return f"{device} does not decode the transparency of {clip.codec}"
    missing = why_no_device(device)
    if missing is not None:
        return f"this machine has no {device} device that can be opened ({missing})"
    try:
        return (
            None
            if _first_comes(device, clip.path, clip.stream_index)
            else (
                f"{device} does not decode this clip ({clip.codec}, {clip.pix_fmt}, {clip.coded_width}×"
                f"{clip.coded_height})"
            )
        )
    except MediaError as error:
        return f"{device} does not decode {clip.codec} ({reason_of(error.__cause__ or error)})"


def _first_comes(device: str, path: Path, index: int) -> bool:
    with open_input(path, device_of(device)) as container:
        stream = container.streams[index]
        assert isinstance(stream, av.VideoStream)
        stream.codec_context.options = decoding_options()
        return stream.codec_context.is_hwaccel and first_frame(path, container, stream) is not None
