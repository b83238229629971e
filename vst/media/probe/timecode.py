"""Timecodes: what an editor calls a frame."""

from __future__ import annotations

from fractions import Fraction

from vst.media.probe.clip import TIMECODE


def fits_timecode(timecode: str, rate: Fraction) -> bool:
    """Whether a timecode can be counted at a frame rate: no frame beyond it, drop-frame for NTSC only."""
    match = TIMECODE.fullmatch(timecode)
    if match is None:
        return False
    hours, minutes, seconds, mark, frames = match.groups()
    nominal = round(rate)
    if int(hours) > 23 or int(minutes) > 59 or int(seconds) > 59 or int(frames) >= nominal:
        return False
    return mark == ":" or (nominal % 30 == 0 and rate.denominator == 1001)


def later_timecode(timecode: str, frames: int, rate: Fraction) -> str:
    """The timecode so many frames later; it begins again after a day.

    Drop-frame leaves out the first two numbers (four at 59.94) of every minute but each tenth, so that the
    clock keeps up with the time.

    Args:
        timecode: One that `fits_timecode`.
        frames: How many.
        rate: Frames a second.
    """
    match = TIMECODE.fullmatch(timecode)
    assert match is not None
    hours, minutes, seconds, mark, number = match.groups()
    nominal = round(rate)
    dropped = 0 if mark == ":" else nominal // 15
    whole_minutes = int(hours) * 60 + int(minutes)
    count = (whole_minutes * 60 + int(seconds)) * nominal + int(number)
    count -= dropped * (whole_minutes - whole_minutes // 10)
    in_minute = 60 * nominal - dropped
    in_ten = 10 * in_minute + dropped
    count = (count + frames) % (144 * in_ten)
    tens, rest = divmod(count, in_ten)
    # The first minute of ten is whole.
    after_first = max(rest - 60 * nominal, -1)
    skipped = dropped * (9 * tens + (after_first // in_minute + 1 if after_first >= 0 else 0))
    count += skipped
    seconds_in_all, number_now = divmod(count, nominal)
    minutes_in_all, seconds_now = divmod(seconds_in_all, 60)
    return f"{minutes_in_all // 60:02d}:{minutes_in_all % 60:02d}:{seconds_now:02d}{mark}{number_now:02d}"
