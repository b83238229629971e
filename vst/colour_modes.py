"""Whose colours a stylized frame has.

A file of its own without imports, so that options can name them without loading PyTorch.
"""

from __future__ import annotations

STYLE = "style"
"""The painting's, as the network gives them."""

KEEP = "keep"
"""The clip's, under the luminance of the stylization."""

MATCH = "match"
"""The painting's, moved to the clip's palette."""

LUMINANCE = "luminance"
"""The clip's, under the luminance of what a network makes of the luminance alone."""

COLOURS = (STYLE, KEEP, MATCH, LUMINANCE)
"""All, the default first."""
