"""The C client and the Python worker encode and decode the same messages."""

from __future__ import annotations

import ctypes
import locale
import struct
import subprocess
from collections.abc import Iterator

import pytest

from vst.errors import UsageError
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


@pytest.mark.parametrize(
    "line",
    [
        "index=2147483648", "index=-2147483649", "index=-9223372036854775808", "index=1e3", "index=",
        "index= 1", "index=0x10", "index=1,5", "index=nan", "index", "slot=one", "id=1_0",
    ],
)  # fmt: skip
def test_the_client_refuses_what_is_no_integer(codec, line):
    with pytest.raises(ValueError, match="need"):
        codec.decode(f"need\n{line}".encode())


@pytest.mark.parametrize("text", ["nan", "inf", "1e999", "0,5", "0x1p3", "1 ", "", "1.2.3", "٣"])
def test_neither_side_reads_what_is_no_finite_number(codec, text):
    with pytest.raises(ValueError, match="done"):
        codec.decode(f"done\nseconds={text}".encode())
    with pytest.raises(UsageError):
        typed("done", {"id": "1", "approximate": "0", "seconds": text})


@pytest.mark.parametrize("text", ["2147483648", "-2147483649", "1_0", " 1", "1.0", "٣", ""])
def test_the_worker_refuses_what_is_no_integer(text):
    with pytest.raises(UsageError):
        typed("need", {"id": "1", "index": text, "slot": "0"})


def test_the_worker_sends_no_number_that_the_client_refuses():
    for values in ({"index": 2**31}, {"index": -(2**63)}):
        with pytest.raises(ValueError, match="32 bits"):
            encode("need", id=1, slot=0, **values)
    with pytest.raises(ValueError, match="finite"):
        encode("done", id=1, approximate=False, seconds=float("nan"))


def test_the_client_sends_no_number_that_is_not_finite(codec):
    message, text = codec.decode(encode("done", id=1, approximate=False, seconds=0.5))
    at = message.raw.index(struct.pack("d", 0.5))
    message[at : at + 8] = struct.pack("d", float("nan"))
    with pytest.raises(ValueError, match="seconds is not a finite number"):
        codec.encode((message, text))


NUMBERS = [0.0, 0.5, -1.5, 1 / 3, 1e-300, 1.7e308, 123456789.123, 5.0, -0.0]


def test_numbers_have_a_point_in_every_locale(codec, comma):
    library = ctypes.CDLL(None)
    library.setlocale.restype = ctypes.c_char_p
    before = library.setlocale(locale.LC_ALL, None)
    try:
        assert library.setlocale(locale.LC_ALL, comma.encode())
        text = ctypes.create_string_buffer(16)
        library.snprintf(text, 16, b"%g", ctypes.c_double(0.5))
        assert text.value == b"0,5"
        for number in NUMBERS:
            word, texts = split(codec.through(encode("done", id=1, approximate=False, seconds=number)))
            assert "," not in texts["seconds"]
            assert repr(typed(word, texts)["seconds"]) == repr(number)
    finally:
        library.setlocale(locale.LC_ALL, before)


# Stands for the C library of a host whose decimal point has three bytes.
OTHER_POINT = r"""
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
static int with_other_point(char *out, size_t size, const char *format, ...)
{
    char text[16384];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    char *point = strcmp(format, "%.17g") ? NULL : strchr(text, '.');
    return point ? snprintf(out, size, "%.*s\xd9\xab\xaa%s", (int)(point - text), text, point + 1)
                 : snprintf(out, size, "%s", text);
}
#define snprintf with_other_point
#include "protocol.c"
"""


def test_a_decimal_point_of_several_bytes_is_sent_as_a_point(tmp_path):
    compiler = find_compiler()
    if compiler is None:
        pytest.skip("there is no C compiler")
    source, library = tmp_path / "other.c", tmp_path / "other.so"
    source.write_text(OTHER_POINT)
    folder = source_folder() / "client"
    files = [str(source), str(folder / "log.c")]
    command = [
        compiler,
        "-D_GNU_SOURCE",
        "-w",
        "-shared",
        "-fPIC",
        f"-I{folder}",
        *files,
        "-o",
        str(library),
    ]
    subprocess.run(command, check=True)
    other = Codec(ctypes.CDLL(str(library)))
    for number in NUMBERS:
        word, texts = split(other.through(encode("done", id=1, approximate=False, seconds=number)))
        assert repr(typed(word, texts)["seconds"]) == repr(number)


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
