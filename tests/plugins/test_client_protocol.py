"""The C client and the Python worker encode and decode the same messages."""

from __future__ import annotations

import ctypes
import subprocess
from collections.abc import Iterator

import pytest

from vst.host.messages import MESSAGES, FieldType, MessageType
from vst.host.plugin_build import find_compiler, source_folder
from vst.host.protocol import PACKET_SIZE, encode, split, typed
from vst.host.protocol_header import c_header

ERROR_SIZE = 1024

VALUES: dict[FieldType, list[object]] = {
    FieldType.INTEGER: [0, -1, 7, 2**31 - 1, -(2**31)],
    FieldType.FLAG: [False, True],
    FieldType.NUMBER: [0.0, -1.5, 1 / 3, 1e-300, 123456789.123],
    FieldType.TEXT: ["", "candy:0.6+wave:0.4", "a=b = c", "Größe/画 %s"],
    FieldType.HASH: [bytes(16), bytes(range(240, 256))],
}


def test_the_header_of_the_client_is_up_to_date():
    committed = (source_folder() / "client" / "protocol.h").read_text(encoding="utf-8")
    assert committed == c_header(), "run python -m vst.host.protocol_header > plugins/client/protocol.h"


class Codec:
    """`vst_decode` and `vst_encode` of the client."""

    def __init__(self, library: ctypes.CDLL) -> None:
        self._library = library

    def through(self, packet: bytes) -> bytes:
        """Decodes a message in C and encodes it again."""
        message = self.decode(packet)
        return self.encode(message)

    def decode(self, packet: bytes) -> tuple[object, object]:
        """The C message, with the packet that its texts are in."""
        text, message = ctypes.create_string_buffer(packet), ctypes.create_string_buffer(4096)
        if self._library.vst_decode(text, message):
            raise ValueError(packet)
        return message, text

    def encode(self, message: tuple[object, object]) -> bytes:
        out, error = ctypes.create_string_buffer(PACKET_SIZE), ctypes.create_string_buffer(ERROR_SIZE)
        length = self._library.vst_encode(message[0], out, error)
        if length < 0:
            raise ValueError(error.value.decode())
        return out.raw[:length]


@pytest.fixture(scope="module")
def codec(tmp_path_factory: pytest.TempPathFactory) -> Codec:
    compiler = find_compiler()
    if compiler is None:
        pytest.skip("there is no C compiler")
    library = tmp_path_factory.mktemp("protocol") / "protocol.so"
    sources = [str(source_folder() / "client" / name) for name in ("protocol.c", "log.c")]
    subprocess.run([compiler, "-O1", "-shared", "-fPIC", *sources, "-o", str(library)], check=True)
    return Codec(ctypes.CDLL(str(library)))


def examples(message: MessageType) -> Iterator[dict[str, object]]:
    """Fields of a message, so that each field has each of its type's values."""
    for number in range(max(len(values) for values in VALUES.values())):
        yield {
            field.name: VALUES[field.type][(number + place) % len(VALUES[field.type])]
            for place, field in enumerate(message.fields)
        }


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: message.word)
def test_every_field_survives_the_way_through_the_client(codec, message):
    for fields in examples(message):
        word, texts = split(codec.through(encode(message.word, **fields)))
        assert word == message.word
        assert typed(word, texts) == fields


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: message.word)
def test_the_client_writes_the_fields_in_the_order_of_the_table(codec, message):
    fields = next(examples(message))
    written = codec.through(encode(message.word, **fields)).decode().split("\n")
    assert [line.partition("=")[0] for line in written] == [
        message.word,
        *(field.name for field in message.fields),
    ]


def test_the_client_fills_missing_fields_with_zero_and_ignores_unknown_ones(codec):
    word, texts = split(codec.through(b"failed\nunknown=5\nid=3"))
    assert typed(word, texts) == {"id": 3, "message": ""}


def test_the_client_refuses_an_unknown_message(codec):
    with pytest.raises(ValueError, match="later"):
        codec.decode(b"later\nid=3")


def test_the_client_refuses_a_line_break_in_a_text(codec):
    message, text = codec.decode(b"hello\nprotocol=1\nversion=ab")
    text[text.raw.index(b"ab") + 1] = b"\n"
    with pytest.raises(ValueError, match="line break"):
        codec.encode((message, text))


def test_the_client_refuses_a_message_that_is_too_long(codec):
    fields = next(examples(next(each for each in MESSAGES if each.word == "render")))
    packet = encode("render", **{**fields, "run": "", "weights": "", "style": "x" * 15900})
    assert codec.through(packet)
    longer = packet.replace(b"\nweights=", b"\nweights=" + b"w" * 400)
    with pytest.raises(ValueError, match="too long"):
        codec.through(longer)
