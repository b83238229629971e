"""How far apart keyframes may be.

A file of its own without imports, so that options can name the numbers without loading PyTorch.
"""

from __future__ import annotations

AUTO = 0
"""An interval that follows the frame rate."""

MAX_INTERVAL = 16
"""The most frames between two keyframes: so many are held in memory."""
