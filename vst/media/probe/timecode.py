"""SMPTE timecodes."""

from __future__ import annotations

import re
from fractions import Fraction

_TIMECODE = re.compile(r"(\d\d):(\d\d):(\d\d)([:;.])(\d\d)")


def is_timecode(text: str) -> bool:
    """Whether a text has the form of a timecode."""
    return _TIMECODE.fullmatch(text) is not None


def fits_timecode(timecode: str, rate: Fraction) -> bool:
    """Whether a timecode is valid at a frame rate: frames below the rate, drop-frame for NTSC only."""
    match = _TIMECODE.fullmatch(timecode)
    if match is None:
        return False
    hours, minutes, seconds, mark, frames = match.groups()
    nominal = round(rate)
    if int(hours) > 23 or int(minutes) > 59 or int(seconds) > 59 or int(frames) >= nominal:
        return False
    return mark == ":" or (nominal % 30 == 0 and rate.denominator == 1001)


def later_timecode(timecode: str, frames: int, rate: Fraction) -> str:
    """The timecode a number of frames later; it wraps around after a day.

    Drop-frame skips the first two numbers (four at 59.94) of every minute except each tenth, so that the
    timecode stays in step with the clock.

    Args:
        timecode: A timecode that `fits_timecode`.
        frames: Number of frames.
        rate: Frames per second.
    """
    match = _TIMECODE.fullmatch(timecode)
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
    # The first minute of ten drops no numbers.
    after_first = max(rest - 60 * nominal, -1)
    skipped = dropped * (9 * tens + (after_first // in_minute + 1 if after_first >= 0 else 0))
    count += skipped
    total_seconds, number_now = divmod(count, nominal)
    total_minutes, seconds_now = divmod(total_seconds, 60)
    return f"{total_minutes // 60:02d}:{total_minutes % 60:02d}:{seconds_now:02d}{mark}{number_now:02d}"
