from __future__ import annotations

import pytest

from vst.errors import UsageError
from vst.host.protocol import LONGEST_PACKET, pack, parse_request, unpack

VALUES = {
    "id": "3", "run": "a", "width": "64", "height": "48", "time": "5", "first": "0", "last": "9",
    "temporal": "1", "gap": "1", "style": "candy:0.6+wave:0.4", "mode": "vtn", "strength": "0.5",
    "keep_color": "1", "style_scale": "0", "seed": "7", "device": "auto", "weights": "", "linear": "0",
    "interactive": "0", "limit": "60",
}  # fmt: skip


def test_messages_come_out_as_they_went_in():
    word, values = unpack(pack("frame", index=3, path="a b=c", empty=""))
    assert word == "frame"
    assert values == {"index": "3", "path": "a b=c", "empty": ""}


def test_a_line_break_cannot_add_a_value():
    assert unpack(pack("failed", message="one\nid=9"))[1] == {"message": "one id=9"}


def test_no_packet_is_too_long():
    assert len(pack("failed", message="ä" * 50000)) <= LONGEST_PACKET


def test_a_request_is_read():
    request = parse_request(VALUES)
    assert (request.number, request.index, request.style_scale, request.weights_dir) == (3, 5, None, None)
    assert request.keep_color
    assert request.temporal


@pytest.mark.parametrize(
    "wrong", [{"width": "0"}, {"height": "99999"}, {"time": "nan"}, {"strength": "inf"}, {"seed": "x"}]
)
def test_nonsense_is_refused(wrong):
    with pytest.raises(UsageError):
        parse_request({**VALUES, **wrong})


def test_a_missing_value_is_refused():
    with pytest.raises(UsageError, match="vst plugin install"):
        parse_request({name: value for name, value in VALUES.items() if name != "mode"})
