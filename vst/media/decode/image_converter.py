"""From decoded frames to upright R'G'B' tensors of the clip's size."""

from __future__ import annotations

import av
import torch

from vst.media.colour.layout import layout_of
from vst.media.colour.light import compress, display_from_light, light_from_signal, tone_mapped
from vst.media.colour.planes import to_rgb
from vst.media.colour.spec import ColourSpec, spec_from_tags
from vst.media.notes import Notes, converted
from vst.media.probe.clip_info import ClipInfo
from vst.media.stills.read import DecodedImage


class ImageConverter:
    """Converts the frames of one clip.

    Args:
        stored: The clip as stored.
        info: The clip as read: its size, and whether HDR is kept.
        notes: Gets a note if the size changes within the clip.
    """

    def __init__(self, stored: ClipInfo, info: ClipInfo, notes: Notes) -> None:
        self._stored, self._info, self._notes = stored, info, notes
        self._colours: dict[tuple[str, int, int], ColourSpec] = {}

    def convert(self, frame: av.VideoFrame) -> DecodedImage:
        """A decoded frame as R'G'B', with alpha and gain if it has them."""
        image, alpha = to_rgb(frame, self._colour(frame))
        gain = None
        colour = self._stored.colour
        if colour.is_hdr and self._info.light is None:
            image = tone_mapped(image, colour.transfer, colour.primaries)
        elif colour.is_hdr:
            shown, gain = compress(light_from_signal(image, colour.transfer, colour.primaries))
            image = display_from_light(shown)
        orientation = self._info.stored.orientation
        upright = [None if plane is None else orientation.apply(plane) for plane in (image, alpha, gain)]
        assert upright[0] is not None
        return self.resize(DecodedImage(upright[0], upright[1], upright[2]))

    def resize(self, image: DecodedImage) -> DecodedImage:
        """An image of the clip's size; scaled if it has another."""
        size = (self._info.height, self._info.width)
        if tuple(image.image.shape[1:]) == size:
            return image
        self._notes.add(
            converted(f"the frame size changes within the clip; frames are scaled to {size[1]}×{size[0]}")
        )
        planes = [
            None
            if plane is None
            else torch.nn.functional.interpolate(plane[None], size, mode="bilinear", antialias=True)[0]
            for plane in (image.image, image.alpha, image.gain)
        ]
        assert planes[0] is not None
        return DecodedImage(planes[0], planes[1], planes[2], image.notes)

    def _colour(self, frame: av.VideoFrame) -> ColourSpec:
        """What the samples of a frame mean: the clip's colour, unless the frame has another kind."""
        key = (frame.format.name, int(frame.colorspace), int(frame.color_range))
        colour = self._colours.get(key)
        if colour is None:
            layout = layout_of(frame.format.name)
            clip = self._stored.colour
            if layout.is_rgb == (clip.matrix == "rgb") and not layout.implied_full:
                colour = clip
            else:
                colour = spec_from_tags(
                    layout,
                    self._stored.stored.height,
                    matrix=int(frame.colorspace),
                    range_=int(frame.color_range),
                    primaries=clip.primaries,
                    transfer=clip.transfer,
                    centred_chroma=clip.centred_chroma,
                )
            self._colours[key] = colour
        return colour
