"""Mean and variance of planes that come in parts."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor


class Moments:
    """Mean and variance, gathered part by part (Chan, Golub & LeVeque 1979, eq. 2.1), in fp64.

    Raw sums of squares would cancel where a plane's mean is large beside its deviation; here only the
    means of the parts are compared.
    """

    def __init__(self) -> None:
        self._count = 0
        self._mean: Tensor | None = None
        self._squares: Tensor | None = None

    @classmethod
    def of(cls, parts: Iterable[Tensor]) -> Moments:
        """The moments of all parts together."""
        moments = cls()
        for part in parts:
            moments.add(part)
        return moments

    def add(self, part: Tensor) -> None:
        """Count B×C×h×w values of every plane; parts do not overlap."""
        variance, mean = torch.var_mean(part.float(), dim=(2, 3), correction=0, keepdim=True)
        count = part.shape[2] * part.shape[3]
        variance, mean = variance.double(), mean.double()
        if self._mean is None or self._squares is None:
            self._count, self._mean, self._squares = count, mean, variance * count
            return
        total = self._count + count
        apart = mean - self._mean
        self._squares = self._squares + variance * count + apart.square() * (self._count * count / total)
        self._mean = self._mean + apart * (count / total)
        self._count = total

    def result(self) -> tuple[Tensor, Tensor]:
        """Mean and variance, B×C×1×1 in fp32.

        Raises:
            ValueError: where nothing was added.
        """
        if self._mean is None or self._squares is None:
            raise ValueError("moments of nothing: add a part first")
        return self._mean.float(), (self._squares / self._count).float()
