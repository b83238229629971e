"""The plugin and its test host compiled with sanitizers: memory, leaks and races."""

from __future__ import annotations

import pytest

from vst.errors import VstError
from vst.host.plugin_build import build, find_compiler


@pytest.fixture
def sanitized(request, tmp_path):
    if find_compiler() is None:
        pytest.skip("there is no C compiler")
    try:
        return build(tmp_path / "sanitized", sanitizer=request.param)
    except VstError as error:
        pytest.skip(f"the compiler has no such sanitizer: {error}")


@pytest.mark.parametrize("sanitized", ["address", "thread"], indirect=True)
def test_the_sanitizer_finds_nothing(sanitized, make_host):
    sanitizer_options = {"ASAN_OPTIONS": "detect_leaks=1", "TSAN_OPTIONS": "halt_on_error=1 exitcode=66"}
    host_options = ["depth=half", "rows=negative", "pad=14", "origin=-3,9", "premultiplied=1"]
    host = make_host(*host_options, using=sanitized, **sanitizer_options)
    host.render(0, 1, 2, 5)
    assert host.statuses == [0] * 4
    host.command("window 3 5 30 33")
    host.render(3, 4, 3, 1, threads=2)
    assert host.statuses == [0] * 4
    host.command("missing 4")
    host.command("set blend nothing")
    host.render(4, 6)
    host.command("set blend red")
    host.command("abort 0")
    host.render(6)
    host.command("purge")
    host.command("reload")
    host.render(7, 8, threads=2)
    assert host.statuses == [0, 0]
    host.close()
    host = make_host("chained=thread", using=sanitized, **sanitizer_options)
    host.render(2, 3)
    assert host.statuses == [0, 0]
    host.close()
