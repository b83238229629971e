from __future__ import annotations

import torch

from vst.host.cache import Cache, bytes_of


def test_bytes_are_those_of_all_tensors_inside():
    tensor = torch.zeros(10, dtype=torch.float16)
    assert bytes_of(((tensor, [tensor]), {"a": tensor}, None, "text", 3)) == 60


def test_those_unused_longest_go_first_and_the_newest_stays():
    cache: Cache[torch.Tensor] = Cache(100)
    for name in "abc":
        cache.put(name, torch.zeros(10))
    assert "a" not in cache
    assert cache.get("b") is not None
    cache.put("d", torch.zeros(10))
    assert [name for name in "abcd" if name in cache] == ["b", "d"]
    cache.put("large", torch.zeros(1000))
    assert len(cache) == 1
    assert "large" in cache


def test_what_is_dropped_makes_room():
    cache: Cache[torch.Tensor] = Cache(100)
    cache.put("a", torch.zeros(20))
    cache.drop("a")
    cache.put("b", torch.zeros(20))
    cache.put("b", torch.zeros(20))
    assert "b" in cache
    cache.clear()
    assert len(cache) == 0
