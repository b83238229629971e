"""From a stylized frame to the frame that is written."""

from __future__ import annotations

from dataclasses import replace

from torch import Tensor

from vst.borders import Borders
from vst.frame import Frame
from vst.media import DecodedFrame
from vst.pipeline.frame_size import resize_frame
from vst.pipeline.inside import inside_frame, paste, with_borders
from vst.pipeline.prepared_frame import PreparedFrame, ShownFrame
from vst.pipeline.regions.frame_masks import RegionMasks
from vst.pipeline.working_frame import decoded
from vst.postprocess import ColourMap, Postprocess, at_frame_size, follow_light


class FrameFinisher:
    """Upsamples and postprocesses stylized frames.

    Args:
        postprocess: Applied to every stylized frame.
        size: Width and height of the output; None: the frames' own.
        masks: Which part of the picture is stylized how; None: all of it alike.
    """

    def __init__(
        self, postprocess: Postprocess, size: tuple[int, int] | None, masks: RegionMasks | None = None
    ) -> None:
        self._postprocess, self._size, self.masks = postprocess, size, masks

    def finish(self, prepared: PreparedFrame, stylized: Tensor | None) -> Frame:
        """Upsample and postprocess.

        Args:
            prepared: The frame.
            stylized: What `StylizerSession.stylized` gave for it.

        Returns:
            The frame to write, at output size.
        """
        if prepared.shown is None:
            return self._finish(prepared, stylized)
        shown, frame = self._finish_shown(prepared.shown), prepared.frame
        return replace(shown, index=frame.index, time=frame.time, duration=frame.duration)

    def _finish_shown(self, shown: ShownFrame) -> Frame:
        if shown.finished is None:
            assert shown.item is not None
            shown.finished = self._finish(shown.item, shown.stylized)
            shown.item = shown.stylized = None
        return shown.finished

    def _finish(self, prepared: PreparedFrame, stylized: Tensor | None) -> Frame:
        frame = prepared.frame
        full: Frame | None = None
        if frame.crop is not None and frame.source is not None and stylized is not None:
            finished = self._finish_inside(prepared, frame.source, frame.crop.borders, stylized)
        else:
            full = frame if frame.source is None else at_output_size(frame.source, self._size)
            if stylized is None:
                return full
            finished = replace(full, image=self._compose(prepared, stylized, full.image))
        if self.masks is None:
            return finished
        if full is None:
            full = at_output_size(frame.source or frame, self._size)
        return replace(finished, image=self.masks.limit(frame.masks, full.image, finished.image))

    def _finish_inside(
        self, prepared: PreparedFrame, given: Frame | DecodedFrame, borders: Borders, stylized: Tensor
    ) -> Frame:
        frame = decoded(given)
        picture = inside_frame(frame, borders, self._size).image
        whole = with_borders(frame, borders, self._size)
        own, size = ((each.image.shape[-1], each.image.shape[-2]) for each in (frame, whole))
        composed = self._compose(prepared, stylized, picture)
        return replace(whole, image=paste(whole.image, composed, borders.scaled(own, size)))

    def _compose(self, prepared: PreparedFrame, stylized: Tensor, image: Tensor) -> Tensor:
        frame = prepared.frame
        return self.compose(stylized, frame.image, image, frame.strength, prepared.colours)

    def compose(
        self,
        stylized: Tensor,
        reduced: Tensor,
        image: Tensor,
        strength: float | None = None,
        colours: ColourMap | None = None,
    ) -> Tensor:
        """Upsample and postprocess tensors.

        Args:
            stylized: 3×h×w, RGB, 0..1.
            reduced: 3×h×w, the frame that was stylized.
            image: 3×H×W, the same frame at output size.
            strength: Of the frame; None: that of the postprocess.
            colours: What moves its colours; None: they stay.

        Returns:
            3×H×W, RGB.
        """
        postprocess = self._postprocess
        if strength is not None:
            postprocess = replace(postprocess, strength=strength)
        if colours is not None and postprocess.strength:
            stylized = colours(stylized, postprocess.follow_light)
        elif postprocess.follow_light and postprocess.strength:
            stylized = follow_light(stylized, reduced)
        return postprocess(at_frame_size(stylized, reduced, image), image)


def at_output_size(given: Frame | DecodedFrame, size: tuple[int, int] | None) -> Frame:
    """A frame at output size.

    Args:
        given: As it was decoded.
        size: Width and height of the output; None: the frame's own.
    """
    frame = decoded(given)
    return frame if size is None else resize_frame(frame, *size)
