"""Which clips of a batch are cut, so that all workers end together."""

from __future__ import annotations

import pytest

from vst.batch.cluster.division import rendered_whole


@pytest.mark.parametrize(
    ("sizes", "places", "nodes", "whole"),
    [
        ([1] * 12, 2, 1, [True] * 12),
        ([1] * 13, 2, 1, [True] * 12 + [False]),
        ([100] + [1] * 12, 2, 1, [False] + [True] * 12),
        ([6] + [1] * 6, 2, 1, [True] * 7),  # the long one on one worker, the short ones on the other
        ([5], 1, 1, [True]),
        ([5], 2, 1, [False]),
        ([1] * 4, 2, 2, [False] * 4),  # a slow node would end late with a half of its share
        ([1] * 12, 2, 2, [True] * 12),
        ([0, 0, 0], 2, 1, [True] * 3),  # files that cannot be read
        ([], 2, 1, []),
    ],
)
def test_clips_are_cut_that_would_keep_one_worker_too_long(sizes, places, nodes, whole):
    assert rendered_whole(sizes, places, nodes) == whole
