"""What was painted, kept while there is room."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Iterable, Mapping
from typing import Any, Generic, TypeVar

from torch import Tensor

T = TypeVar("T")


def bytes_of(value: Any) -> int:
    """Bytes of all tensors in nested sequences and mappings."""
    if isinstance(value, Tensor):
        return value.numel() * value.element_size()
    if isinstance(value, Mapping):
        return sum(bytes_of(each) for each in value.values())
    if isinstance(value, Iterable) and not isinstance(value, (str, bytes)):
        return sum(bytes_of(each) for each in value)
    return 0


class Cache(Generic[T]):
    """Values by key, bounded in bytes; those unused longest go first.

    Args:
        limit: Bytes. The newest value stays, however large.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._items: OrderedDict[Hashable, tuple[T, int]] = OrderedDict()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._items)

    def __contains__(self, key: Hashable) -> bool:
        return key in self._items

    def get(self, key: Hashable) -> T | None:
        """The value, which counts as used now; None where there is none."""
        item = self._items.get(key)
        if item is None:
            return None
        self._items.move_to_end(key)
        return item[0]

    def put(self, key: Hashable, value: T) -> None:
        """Keep a value."""
        self.drop(key)
        size = bytes_of(value)
        self._items[key] = (value, size)
        self._bytes += size
        while self._bytes > self._limit and len(self._items) > 1:
            self.drop(next(iter(self._items)))

    def drop(self, key: Hashable) -> None:
        """Forget a value, if it is there."""
        item = self._items.pop(key, None)
        if item is not None:
            self._bytes -= item[1]

    def clear(self) -> None:
        """Forget all."""
        self._items.clear()
        self._bytes = 0
