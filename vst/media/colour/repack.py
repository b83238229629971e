"""Moving the samples of a frame into a layout that can be read in place."""

from __future__ import annotations

import av

from vst.media.colour.layout import PLANAR_EQUAL, layout_of


def repacked(frame: av.VideoFrame) -> av.VideoFrame:
    """The frame in a layout that `find_layout` knows; samples unchanged (swscale only moves them).

    Raises:
        MediaError: If there is no such layout.
    """
    name = frame.format.name
    layout = layout_of(name)
    if layout.name == name:
        return frame
    # Equal source and target range keep swscale from touching a value.
    if name in PLANAR_EQUAL and not layout.is_rgb:
        return frame.reformat(format=layout.name, src_color_range=1, dst_color_range=1)
    return frame.reformat(format=layout.name)
