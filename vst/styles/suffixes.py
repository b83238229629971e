"""Extensions of pictures of styles; of its own, so that lists of styles load no library for pictures."""

from __future__ import annotations

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff")
"""Of pictures that styles and networks are trained on."""
