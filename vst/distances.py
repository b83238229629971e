"""How many frames back motion is estimated, where an evaluation measures what reappears.

A file of its own without imports, so that help texts can name the numbers without loading PyTorch.
"""

from __future__ import annotations

DISTANCES = (1, 2, 3, 5, 9, 17)
"""Frames. A pixel that was hidden for 1, 2, 4, 8 or 16 frames was last visible 2, 3, 5, 9 or 17 frames ago.
docs/adr/0002-memory-reaches-seventeen-frames.md."""
