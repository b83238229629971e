"""The provenance of a render."""

from __future__ import annotations

import vst
from vst.errors import WeightsError
from vst.files import file_digest
from vst.media import ClipInfo
from vst.media.provenance import StylePart, provenance_text
from vst.pipeline.plan import RenderPlan
from vst.styles import ResolvedStyle
from vst.styles.blend import short_name
from vst.styles.painting_style import PaintingStyle


def provenance_of(plan: RenderPlan, source: ClipInfo) -> str | None:
    """What the metadata of an output say about how it was made; None with ``--no-provenance``.

    Args:
        plan: The render.
        source: The clip; what its own metadata say about an earlier render goes before.

    Raises:
        WeightsError: A weight file cannot be read.
    """
    if not plan.settings.provenance:
        return None
    styles, *others = map(style_parts, plan.styles) if plan.stylizes else [[]]
    what = "paintings" if isinstance(plan.style, PaintingStyle) else "weights"
    return provenance_text(
        vst.__version__, plan.style.mode, styles, source.provenance, files=what, others=others
    )


def style_parts(style: ResolvedStyle | PaintingStyle) -> list[StylePart]:
    """The styles of a blend with their shares and the hashes of their weight files, or of their paintings.

    Raises:
        WeightsError: A file cannot be read.
    """
    files = {name: style.file_of(name) for name in style.blend.names}
    try:
        hashes = {path: file_digest(path) for path in dict.fromkeys(files.values())}
    except OSError as error:
        raise WeightsError(
            f"{error.filename} cannot be read ({error.strerror}); see `vst weights list`"
        ) from error
    pictures = style.blend.pictures
    return [
        StylePart(short_name(name) if name in pictures else name, share, hashes[files[name]])
        for name, share in style.blend.parts
    ]
