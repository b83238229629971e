"""Amounts of bytes are said in the unit that fits them."""

from __future__ import annotations

import pytest

from vst.sizes import size_in_words


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (0, "0 KiB"),
        (40_000, "39 KiB"),
        (2**20, "1 MiB"),
        (300 * 2**20, "300 MiB"),
        (2**30, "1.0 GiB"),
        (14_280_000_000, "13.3 GiB"),
    ],
)
def test_a_size_has_the_unit_that_fits_it(count, words):
    assert size_in_words(count) == words


def test_sizes_that_are_nearly_alike_can_be_told_apart():
    assert size_in_words(1100 * 2**20, 2) == "1.07 GiB"
