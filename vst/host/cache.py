"""A cache of tensors that is limited in bytes."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Hashable, Iterable, Iterator, Mapping
from typing import Any, Generic, TypeVar

from torch import Tensor

T = TypeVar("T")


def tensors_in(value: Any) -> Iterator[Tensor]:
    """All tensors in nested sequences and mappings."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from tensors_in(each)
    elif isinstance(value, Iterable) and not isinstance(value, (str, bytes)):
        for each in value:
            yield from tensors_in(each)


class Cache(Generic[T]):
    """A least-recently-used cache, limited by the bytes of the tensors in its values.

    A tensor that several values hold counts once: the states of following frames share earlier outputs.

    Args:
        limit: Bytes. The newest value is kept even if it is larger.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._items: OrderedDict[Hashable, T] = OrderedDict()
        self._counts: Counter[int] = Counter()  # references to each tensor, by its id
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._items)

    def __contains__(self, key: Hashable) -> bool:
        return key in self._items

    def get(self, key: Hashable) -> T | None:
        """The value of a key, which becomes the most recently used; None if it is not cached."""
        value = self._items.get(key)
        if value is not None:
            self._items.move_to_end(key)
        return value

    def put(self, key: Hashable, value: T) -> None:
        """Add or replace a value, and remove the least recently used ones while the limit is exceeded."""
        self.drop(key)
        self._items[key] = value
        for tensor in tensors_in(value):
            self._counts[id(tensor)] += 1
            if self._counts[id(tensor)] == 1:
                self._bytes += tensor.nbytes
        while self._bytes > self._limit and len(self._items) > 1:
            self.drop(next(iter(self._items)))

    def drop(self, key: Hashable) -> None:
        """Remove a value if it is cached."""
        for tensor in tensors_in(self._items.pop(key, None)):
            self._counts[id(tensor)] -= 1
            if not self._counts[id(tensor)]:
                del self._counts[id(tensor)]
                self._bytes -= tensor.nbytes

    def clear(self) -> None:
        """Remove all values."""
        self._items.clear()
        self._counts.clear()
        self._bytes = 0
