"""Settings and short segments, as for jobs."""

from __future__ import annotations

from tests.batch.farm.conftest import settings, short_segments

__all__ = ["settings", "short_segments"]
