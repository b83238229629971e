"""What a check of the installation found."""

from __future__ import annotations

from dataclasses import dataclass

OK, ABSENT, WARNING, BROKEN = "ok", "absent", "warning", "broken"
"""The states of a finding."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of `vst doctor` or `vst plugin check`.

    Attributes:
        check: What was checked.
        state: ``ok``, ``absent`` (optional and not installed), ``warning`` (works with restrictions) or
            ``broken`` (does not work).
        value: What was found, and where it is not ``ok`` what to do.
    """

    check: str
    state: str
    value: str
