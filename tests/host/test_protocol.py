from __future__ import annotations

import pytest

from vst.errors import UsageError
from vst.host.messages import MESSAGES
from vst.host.protocol import PACKET_SIZE, encode, parse_request, split, typed

RENDER = {
    "id": "3", "editor": "openfx", "run": "a", "width": "64", "height": "48", "index": "5", "time": "5",
    "first": "0", "last": "9", "temporal": "1", "gap": "1", "frame_rate": "0",
    "style": "candy:0.6+wave:0.4", "mode": "vtn",
    "strength": "0.5", "keep_color": "1", "keep_borders": "1", "style_scale": "0",
    "keyframe_interval": "0", "look_ahead": "1", "seed": "7",
    "device": "auto", "weights": "", "linear": "0", "interactive": "0", "limit": "60",
}  # fmt: skip


def test_a_message_is_its_word_and_a_line_for_each_field():
    assert encode("frame", id=1, index=-3, hash=bytes(range(16))) == (
        b"frame\nid=1\nindex=-3\nhash=000102030405060708090a0b0c0d0e0f"
    )


def test_fields_are_read_with_their_types():
    word, texts = split(encode("done", id=4, approximate=True, seconds=0.25))
    assert word == "done"
    assert typed(word, texts) == {"id": 4, "approximate": True, "seconds": 0.25}


def test_values_may_contain_equals_signs_and_be_empty():
    assert split(encode("hello", protocol=1, version="a b=c"))[1]["version"] == "a b=c"
    assert split(encode("hello", protocol=1, version=""))[1]["version"] == ""


def test_a_line_break_cannot_add_a_field():
    assert split(encode("failed", id=1, message="one\nid=9"))[1] == {"id": "1", "message": "one id=9"}


def test_no_packet_is_too_long():
    assert len(encode("failed", id=1, message="ä" * 50000)) <= PACKET_SIZE


@pytest.mark.parametrize("fields", [{"id": 1}, {"id": 1, "index": 2, "slot": 0, "more": 1}])
def test_a_message_with_other_fields_than_the_table_has_is_not_sent(fields):
    with pytest.raises(ValueError, match="need"):
        encode("need", **fields)


def test_a_request_is_read():
    request = parse_request(RENDER)
    assert (request.number, request.index, request.interactive, request.limit) == (3, 5, False, 60)
    assert (request.clip.width, request.clip.height, request.clip.first, request.clip.last) == (
        64,
        48,
        0,
        9,
    )
    assert request.clip.temporal
    assert request.settings.keep_color
    assert (request.settings.strength, request.settings.seed) == (0.5, 7)
    assert request.settings.style_scale is None
    assert request.settings.weights_dir is None


@pytest.mark.parametrize(
    "invalid", [{"width": "0"}, {"height": "99999"}, {"time": "nan"}, {"strength": "inf"}, {"seed": "x"}]
)
def test_an_invalid_field_is_refused(invalid):
    with pytest.raises(UsageError):
        parse_request({**RENDER, **invalid})


@pytest.mark.parametrize("missing", RENDER)
def test_a_missing_field_is_refused(missing):
    with pytest.raises(UsageError, match="vst plugin install"):
        parse_request({name: value for name, value in RENDER.items() if name != missing})


def test_an_unknown_field_is_ignored():
    assert parse_request({**RENDER, "new": "1"}) == parse_request(RENDER)


def test_a_hash_of_another_length_is_refused():
    with pytest.raises(UsageError, match="invalid 'frame' message"):
        typed("frame", {"id": "1", "index": "2", "hash": "00ff"})


def test_words_are_unique():
    words = [message.word for message in MESSAGES]
    assert len(set(words)) == len(words)
