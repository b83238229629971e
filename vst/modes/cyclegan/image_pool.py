"""The pool of earlier generated pictures that discriminators learn from (Shrivastava 2017; Zhu 2017)."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class ImagePool(nn.Module):
    """Keeps generated pictures, so that a discriminator does not forget what it learned of earlier ones.

    Its content is among the module's buffers: a checkpoint has it, and a run continues with the same one.

    Args:
        size: Number of pictures; 0 keeps none. The dissertation has 50.
        side: Of the pictures, in pixels.
    """

    images: Tensor
    count: Tensor

    def __init__(self, size: int, side: int) -> None:
        super().__init__()
        self.register_buffer("images", torch.zeros(size, 3, side, side, dtype=torch.float16))
        self.register_buffer("count", torch.zeros((), dtype=torch.int64))

    @torch.no_grad()
    def exchange(self, pictures: Tensor, draws: Tensor) -> Tensor:
        """Give pictures for a discriminator, and keep some of the new ones.

        Until the pool is full, it keeps every picture and gives it back. Then half of them are exchanged:
        the new one is kept, and one from the pool is given in its place.

        Args:
            pictures: B×3×S×S.
            draws: B×2, uniform in 0..1: below one half exchanges; the second is which one.

        Returns:
            B×3×S×S of the pictures' type.
        """
        given, filled = [], int(self.count)
        size = len(self.images)
        for picture, (chance, place) in zip(pictures.detach(), draws.tolist(), strict=True):
            if filled < size:
                self.images[filled] = picture
                filled += 1
                given.append(picture)
            elif size and chance < 0.5:
                index = min(int(place * size), size - 1)
                given.append(self.images[index].to(picture.dtype, copy=True))
                self.images[index] = picture
            else:
                given.append(picture)
        self.count.fill_(filled)
        return torch.stack(given)
