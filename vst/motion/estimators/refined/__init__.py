"""`dis`, mended by a network of our own: the last stage of a FlowNet 2.0 stack behind OpenCV's flow."""

from __future__ import annotations

STAGES = ("dis", "dis-ultrafast")
"""The estimators that it begins with: the exact one, and the one that finds large motion more often."""
