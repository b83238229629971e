from __future__ import annotations

import torch

from vst.host.cache import Cache, tensors_in


def test_tensors_are_found_in_nested_values():
    tensor = torch.zeros(10, dtype=torch.float16)
    assert list(tensors_in(((tensor, [tensor]), {"a": tensor}, None, "text", 3))) == [tensor] * 3


def test_a_tensor_that_several_values_share_counts_once():
    cache: Cache[tuple[torch.Tensor, ...]] = Cache(120)
    shared = torch.zeros(20)
    cache.put("a", (shared, torch.zeros(5)))
    cache.put("b", (shared, torch.zeros(5)))
    assert "a" in cache
    cache.put("c", (torch.zeros(25),))
    assert [name for name in "abc" if name in cache] == ["c"]
    cache.put("d", (shared,))
    assert [name for name in "cd" if name in cache] == ["d"]


def test_the_least_recently_used_values_are_removed_first_and_the_newest_is_kept():
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


def test_a_dropped_value_frees_its_bytes():
    cache: Cache[torch.Tensor] = Cache(100)
    cache.put("a", torch.zeros(20))
    cache.drop("a")
    cache.put("b", torch.zeros(20))
    cache.put("b", torch.zeros(20))
    assert "b" in cache
    cache.clear()
    assert len(cache) == 0
