"""The masks of a render: which share of each pixel is stylized how."""

from __future__ import annotations

import operator
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from fractions import Fraction

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from vst.borders import Borders
from vst.errors import MediaError
from vst.frame import Frame
from vst.media import ClipInfo, DecodedFrame
from vst.pipeline.prepared_frame import PreparedFrame
from vst.pipeline.regions.layers import Layers
from vst.pipeline.regions.mask_track import MaskTrack, finished, snapped
from vst.pipeline.working_frame import WorkingFrame, decoded

_Source = tuple[tuple[Tensor, ...], tuple[int, int], Borders | None]
_ROWS = 128
"""Rows that are mixed at once, to bound the memory for intermediate results."""


class RegionMasks:
    """The masks of a render, read in step with its clip.

    Args:
        layers: What lies over what.
        clip: The clip.
        stop: Ends the waiting for a mask once it is set.

    Raises:
        MediaError: A mask cannot be read, or does not fit the clip.
    """

    def __init__(self, layers: Layers, clip: ClipInfo, stop: threading.Event | None = None) -> None:
        self.layers, self._clip = layers, clip
        self._tracks: list[MaskTrack | None] = []
        try:
            for mask in layers.masks:
                if mask.is_clip_alpha and not clip.has_alpha:
                    raise MediaError(
                        f"the mask is the alpha of {clip.path.name}, which has none; expected a clip with "
                        "alpha, or the file of a mask"
                    )
                self._tracks.append(None if mask.is_clip_alpha else MaskTrack(mask, clip, stop))
        except BaseException:
            self.close()
            raise
        # One for each thread: frames get their shares in one, and are finished in another.
        self._attaching, self._limiting = _LastShares(), _LastShares()

    def close(self) -> None:
        """Close the files."""
        for track in self._tracks:
            if track is not None:
                track.close()

    @property
    def infos(self) -> tuple[ClipInfo, ...]:
        """The files, but for the clip's own alpha."""
        return tuple(track.info for track in self._tracks if track is not None)

    @property
    def notes(self) -> Iterator[str]:
        """What a user should know."""
        for track in self._tracks:
            if track is None:
                continue
            info = track.info
            if abs(info.width * self._clip.height / (info.height * self._clip.width) - 1) > 0.02:
                yield (
                    f"the mask {track.mask.file} is {info.width}×{info.height} and is stretched to the "
                    f"{self._clip.width}×{self._clip.height} of the clip"
                )

    def attach_to(self, prepared: PreparedFrame) -> PreparedFrame:
        """`attach`, for a frame with its motion."""
        return replace(prepared, frame=self.attach(prepared.frame))

    def attach(self, frame: WorkingFrame) -> WorkingFrame:
        """A frame with its masks, and with its shares where there is more than one stylization.

        Args:
            frame: After borders were cut off.
        """
        source = frame if frame.source is None else frame.source
        masks = tuple(self._read(source, frame.index, frame.time))
        frame = replace(frame, masks=masks)
        if len(self.layers.stylizations) == 1:
            return frame
        height, width = frame.image.shape[-2:]
        borders = None if frame.crop is None else frame.crop.borders
        shares = self._attaching.get(
            (masks, (height, width), borders),
            lambda: _extended(self.shares(masks, (height, width), borders, frame.decoded_size)),
        )
        return replace(frame, shares=shares)

    def _read(self, source: Frame | DecodedFrame, index: int, time: Fraction) -> Iterator[Tensor]:
        alpha: Tensor | None = None
        for mask, track in zip(self.layers.masks, self._tracks, strict=True):
            if track is not None:
                yield track.at(index, time)
                continue
            if alpha is None:
                frame: Frame = decoded(source)
                alpha = torch.ones_like(frame.image[:1]) if frame.alpha is None else frame.alpha
            yield finished(alpha, mask.invert)

    def shares(
        self,
        masks: tuple[Tensor, ...],
        size: tuple[int, int],
        borders: Borders | None = None,
        decoded_size: tuple[int, int] = (0, 0),
    ) -> Tensor:
        """The share of each stylization.

        Args:
            masks: Of a frame, from `attach`.
            size: Height and width of the result.
            borders: What was cut off the frame; None for nothing.
            decoded_size: Width and height of the frame as it was decoded.

        Returns:
            K×H×W, 0..1; what is missing to a sum of 1 is the share of the clip as it is.
        """
        shares = torch.zeros(len(self.layers.stylizations), *size)
        given = iter(zip(masks, self.layers.masks, strict=True))
        for layer in self.layers.layers:
            if layer.mask is None:
                if layer.stylization is not None:
                    shares[layer.stylization] = 1
                continue
            values, mask = next(given)
            inside = _resized(values, size, mask.feather / self._clip.width, borders, decoded_size)
            shares *= 1 - inside
            if layer.stylization is not None:
                shares[layer.stylization] += inside[0]
        return shares

    def limit(self, masks: tuple[Tensor, ...], clip: Tensor, stylized: Tensor) -> Tensor:
        """Leave the clip as it is where it is not stylized.

        Args:
            masks: Of the frame.
            clip: 3×H×W, the frame as it would be with strength 0.
            stylized: 3×H×W, the frame as it would be without masks.

        Returns:
            3×H×W; of either bit for bit where that has the whole share.
        """
        height, width = clip.shape[-2:]
        share = self._limiting.get(
            (masks, (height, width), None),
            lambda: self.shares(masks, (height, width)).sum(0, keepdim=True),
        )
        if bool((share == 1).all()):
            return stylized
        if bool((share == 0).all()):
            return clip
        out = torch.empty_like(clip)
        for top in range(0, height, _ROWS):
            rows = slice(top, top + _ROWS)
            out[:, rows] = torch.lerp(clip[:, rows], stylized[:, rows], share[:, rows])
        return out


@contextmanager
def open_masks(
    layers: Layers | None, clip: ClipInfo, stop: threading.Event | None
) -> Iterator[RegionMasks | None]:
    """The masks of a render until the end of the `with` block; None if it has none.

    Raises:
        MediaError: As `RegionMasks`.
    """
    masks = None if layers is None else RegionMasks(layers, clip, stop)
    try:
        yield masks
    finally:
        if masks is not None:
            masks.close()


class _LastShares:
    """The last shares, for masks that do not change from frame to frame."""

    def __init__(self) -> None:
        self._of: _Source | None = None
        self._shares: Tensor | None = None

    def get(self, source: _Source, make: Callable[[], Tensor]) -> Tensor:
        """The shares of some masks at a size.

        Args:
            source: Masks, size and borders. A mask that does not change is one tensor.
            make: Makes them.
        """
        before = self._of
        same = (
            before is not None and all(map(operator.is_, before[0], source[0])) and before[1:] == source[1:]
        )
        if self._shares is None or not same:
            self._of, self._shares = source, make()
        return self._shares


def _resized(
    values: Tensor,
    size: tuple[int, int],
    feather: float,
    borders: Borders | None,
    decoded_size: tuple[int, int],
) -> Tensor:
    """A mask at the size of a frame, 1×H×W.

    Args:
        values: 1×h×w, the mask of the whole frame.
        size: Height and width of the result.
        feather: Width of its edge as a share of the frame's width.
        borders: What was cut off the frame.
        decoded_size: Width and height of the frame as it was decoded.
    """
    values = values.float()
    if borders is not None:
        width, height = decoded_size
        values = borders.inside(_scaled(values, (height, width)))
        feather *= width / values.shape[-1]
    values = _scaled(values, size)
    radius = feather * size[1]
    if radius > 0:
        import cv2  # here, because it takes long to load

        blurred = cv2.GaussianBlur(values[0].numpy(), (0, 0), radius / 2, borderType=cv2.BORDER_REPLICATE)
        values = torch.from_numpy(blurred)[None]
    return snapped(values)


def _scaled(values: Tensor, size: tuple[int, int]) -> Tensor:
    if values.shape[-2:] == size:
        return values
    return F.interpolate(values[None], size, mode="bilinear", antialias=True, align_corners=False)[0]


def _extended(shares: Tensor) -> Tensor:
    """Shares of what is stylized alone.

    What is left as it is gets the style that is nearest to it, so that no edge of another style shows where
    a region ends, after enlarging.

    Args:
        shares: K×h×w, with a sum of at most 1.

    Returns:
        K×h×w in fp16, with a sum of 1.
    """
    visible = shares.sum(0, keepdim=True)
    hidden = visible[0] == 0
    shares = shares / visible.clamp_min(1e-6)
    if hidden.all():
        shares[0] = 1
    elif hidden.any():
        import cv2

        _, labels = cv2.distanceTransformWithLabels(
            hidden.numpy().astype(np.uint8), cv2.DIST_L2, 3, labelType=cv2.DIST_LABEL_PIXEL
        )
        at = torch.from_numpy(labels).long().flatten()
        nearest = torch.zeros(int(at.max()) + 1, dtype=torch.long)
        places = (~hidden).flatten().nonzero().flatten()
        nearest[at[places]] = places
        shares = shares.flatten(1)[:, nearest[at]].view_as(shares)
    return shares.half()
