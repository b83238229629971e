"""The provenance of a render."""

from __future__ import annotations

from collections.abc import Iterator

import vst
from vst.errors import WeightsError
from vst.files import file_digest
from vst.media import ClipInfo
from vst.media.provenance import StylePart, provenance_text
from vst.pipeline.plan import RenderPlan


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
    try:
        styles = list(_styles(plan)) if plan.stylizes else []
    except OSError as error:
        raise WeightsError(
            f"{error.filename} cannot be read ({error.strerror}); see `vst weights list`"
        ) from error
    return provenance_text(vst.__version__, plan.style.mode, styles, source.provenance)


def _styles(plan: RenderPlan) -> Iterator[StylePart]:
    hashes = {info: file_digest(info.path) for info in plan.style.selection.files}
    for name, share in plan.style.blend.parts:
        info = next(info for info, names in plan.style.selection.parts if name in names)
        yield StylePart(name, share, hashes[info])
