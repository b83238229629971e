"""`dis-refined`: the flow of `dis`, refined by a network that vst trains and ships (`vst train flow`)."""

from __future__ import annotations

INITIAL_ESTIMATORS = ("dis", "dis-ultrafast")
"""The estimators whose flow is refined: an accurate one, and one that finds large motion more often."""
