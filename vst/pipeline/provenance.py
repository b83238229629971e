"""The provenance of a render."""

from __future__ import annotations

import vst
from vst.errors import WeightsError
from vst.files import file_digest
from vst.media import ClipInfo
from vst.media.provenance import StylePart, provenance_text
from vst.pipeline.plan import RenderPlan
from vst.styles import ResolvedStyle


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
    styles = style_parts(plan.style) if plan.stylizes else []
    return provenance_text(vst.__version__, plan.style.mode, styles, source.provenance)


def style_parts(style: ResolvedStyle) -> list[StylePart]:
    """The styles of a blend with their shares and the hashes of their weight files.

    Raises:
        WeightsError: A weight file cannot be read.
    """
    files = {name: info.path for info, names in style.selection.parts for name in names}
    try:
        hashes = {path: file_digest(path) for path in style.files}
    except OSError as error:
        raise WeightsError(
            f"{error.filename} cannot be read ({error.strerror}); see `vst weights list`"
        ) from error
    return [StylePart(name, share, hashes[files[name]]) for name, share in style.blend.parts]
