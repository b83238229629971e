"""Writes the table of messages as the C header of the plugin client.

    python -m vst.host.protocol_header > plugins/client/protocol.h

The header is committed, so that compiling the plugins needs no Python; a test compares it with the table.
"""

from __future__ import annotations

from collections.abc import Iterator

from vst.host.messages import MESSAGES, FieldType, MessageField, MessageType
from vst.host.protocol import CURRENT, HASH_SIZE, OTHER, PACKET_SIZE, PROTOCOL, RESULT, SLOTS

_C_TYPES = {
    FieldType.INTEGER: "int ",
    FieldType.FLAG: "int ",
    FieldType.NUMBER: "double ",
    FieldType.TEXT: "const char *",
    FieldType.HASH: "uint8_t ",
}


def c_header() -> str:
    """The header: constants, a structure for each message, and the fields as two X-macros."""
    return "\n".join(
        [*_head(), *(line for each in MESSAGES for line in _structure(each)), *_union(), *_tables()]
    )


def _head() -> Iterator[str]:
    yield "/* Written from vst/host/messages.py by `python -m vst.host.protocol_header`. */"
    yield "#ifndef VST_PROTOCOL_H"
    yield "#define VST_PROTOCOL_H"
    yield ""
    yield "#include <stdint.h>"
    yield ""
    yield f"#define VST_PROTOCOL {PROTOCOL}"
    yield f"#define VST_PACKET_SIZE {PACKET_SIZE} /* bytes of the longest message */"
    yield f"#define VST_HASH_SIZE {HASH_SIZE} /* bytes of a frame's hash */"
    yield ""
    yield "/* Slots of the shared memory: any source frame, the frame to stylize, the stylized frame. */"
    yield (
        f"enum {{ VST_SLOT_OTHER = {OTHER}, VST_SLOT_CURRENT = {CURRENT}, VST_SLOT_RESULT = {RESULT}, "
        f"VST_SLOTS = {SLOTS} }};"
    )
    yield ""


def _structure(message: MessageType) -> Iterator[str]:
    if not message.fields:
        return
    yield f"/* {message.word} ({message.sender}): {message.description} */"
    yield f"typedef struct vst_{message.word}_message {{"
    yield from (f"    {_member(field)} /* {field.description} */" for field in message.fields)
    yield f"}} vst_{message.word}_message;"
    yield ""


def _member(field: MessageField) -> str:
    size = "[VST_HASH_SIZE]" if field.type is FieldType.HASH else ""
    return f"{_C_TYPES[field.type]}{field.name}{size};"


def _union() -> Iterator[str]:
    yield "typedef enum vst_message_kind {"
    yield from (f"    VST_MESSAGE_{message.word.upper()}," for message in MESSAGES)
    yield "} vst_message_kind;"
    yield ""
    yield "typedef struct vst_message {"
    yield "    vst_message_kind kind;"
    yield "    union {"
    yield from (
        f"        vst_{message.word}_message {message.word};" for message in MESSAGES if message.fields
    )
    yield "    };"
    yield "} vst_message;"
    yield ""


def _tables() -> Iterator[str]:
    yield "/* X(kind, word) for each message, in the order of vst_message_kind. */"
    yield from _macro("VST_MESSAGES", [f"{each.word.upper()}, {each.word}" for each in MESSAGES])
    yield ""
    yield "/* X(kind, word, name, type) for each field of each message, in the order of the wire. */"
    fields = [
        f"{message.word.upper()}, {message.word}, {field.name}, {field.type.name}"
        for message in MESSAGES
        for field in message.fields
    ]
    yield from _macro("VST_MESSAGE_FIELDS", fields)
    yield ""
    yield "#endif"
    yield ""


def _macro(name: str, rows: list[str]) -> Iterator[str]:
    yield f"#define {name}(X) \\"
    yield from (f"    X({row}) \\" for row in rows[:-1])
    yield f"    X({rows[-1]})"


if __name__ == "__main__":
    print(c_header(), end="")
