"""The plugin and its host compiled to watch themselves: memory, leaks and races."""

from __future__ import annotations

import pytest

from vst.errors import VstError
from vst.host.build import build, find_compiler


@pytest.fixture
def watched(request, tmp_path):
    if find_compiler() is None:
        pytest.skip("there is no C compiler")
    try:
        return build(tmp_path / "watched", sanitizer=request.param)
    except VstError as error:
        pytest.skip(f"the compiler has no such sanitizer: {error}")


@pytest.mark.parametrize("watched", ["address", "thread"], indirect=True)
def test_nothing_is_found(watched, make_host):
    watching = {"ASAN_OPTIONS": "detect_leaks=1", "TSAN_OPTIONS": "halt_on_error=1 exitcode=66"}
    looks = ["depth=half", "rows=negative", "pad=14", "origin=-3,9", "premultiplied=1"]
    host = make_host(*looks, using=watched, **watching)
    host.render(0, 1, 2, 5)
    assert host.statuses == [0] * 4
    host.say("window 3 5 30 33")
    host.render(3, 4, 3, 1, threads=2)
    assert host.statuses == [0] * 4
    host.say("missing 4")
    host.say("set blend nothing")
    host.render(4, 6)
    host.say("set blend red")
    host.say("abort 0")
    host.render(6)
    host.say("purge")
    host.say("reload")
    host.render(7, 8, threads=2)
    assert host.statuses == [0, 0]
    host.close()
    host = make_host("chained=thread", using=watched, **watching)
    host.render(2, 3)
    assert host.statuses == [0, 0]
    host.close()
