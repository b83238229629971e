"""The messages between the plugin client and the worker, as one table.

`vst.host.protocol` encodes and checks messages by it. `vst.host.protocol_header` writes it as the C header
`plugins/client/protocol.h`, which the client is compiled with.

The order of one render:

    client                        worker
    hello                 ->
                          <-      hello
    render                ->
                          <-      need              once per source frame
    frame or missing      ->
                          <-      step              after each earlier frame of the shot
                          <-      wait              while the engine is loading or busy
    cancel                ->                        at any time
                          <-      done, failed or cancelled

While a frame is needed, only its answer or a cancel may follow. A message that cannot be read, or that
answers another question, fails the request at once on either side, so that neither waits for the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class FieldType(Enum):
    """How a field's value is written on the wire."""

    INTEGER = "int"
    """Decimal digits, in the range of a 32-bit integer; anything else is refused on both sides."""
    FLAG = "flag"
    """`0` or `1`."""
    NUMBER = "number"
    """A finite decimal number with a point, exact for a double."""
    TEXT = "text"
    """UTF-8 without line breaks."""
    HASH = "hash"
    """16 bytes, two hexadecimal digits each."""


@dataclass(frozen=True)
class MessageField:
    """One `name=value` line of a message.

    Attributes:
        name: On the wire, and of the member of the C structure.
        type: How the value is written.
        description: What it means, with its unit.
    """

    name: str
    type: FieldType
    description: str


@dataclass(frozen=True)
class MessageType:
    """One kind of message.

    Attributes:
        word: The message's first line.
        sender: `client`, `worker` or `both`.
        description: When it is sent.
        fields: The lines that follow, in order.
    """

    word: str
    sender: str
    description: str
    fields: tuple[MessageField, ...]


_ID = MessageField("id", FieldType.INTEGER, "number of the request")
_INDEX = MessageField("index", FieldType.INTEGER, "of the source frame in its clip")

MESSAGES = (
    MessageType(
        "hello",
        "both",
        "the first message of a connection, and its answer",
        (
            MessageField("protocol", FieldType.INTEGER, "version of the protocol"),
            MessageField("version", FieldType.TEXT, "of the sender, for the log"),
        ),
    ),
    MessageType(
        "render",
        "client",
        "asks for one stylized frame; carries the memory's descriptor when the memory is new",
        (
            _ID,
            MessageField("editor", FieldType.TEXT, "openfx or frei0r: whose parameters messages speak of"),
            MessageField("run", FieldType.TEXT, "identifies the plugin instance and its state of the clip"),
            MessageField("width", FieldType.INTEGER, "of the frame, in pixels"),
            MessageField("height", FieldType.INTEGER, "of the frame, in pixels"),
            MessageField("index", FieldType.INTEGER, "of the frame in its clip; not temporal: any number"),
            MessageField("time", FieldType.NUMBER, "not temporal: a growing number; else the index"),
            MessageField("first", FieldType.INTEGER, "index of the clip's first frame"),
            MessageField("last", FieldType.INTEGER, "index of the clip's last frame"),
            MessageField("temporal", FieldType.FLAG, "the host gives frames of other times"),
            MessageField(
                "gap", FieldType.NUMBER, "not temporal: a larger step in time is a jump; 0 if unknown"
            ),
            MessageField("frame_rate", FieldType.NUMBER, "of the clip, frames a second; 0 if unknown"),
            MessageField("style", FieldType.TEXT, "a style or a blend, as for --style"),
            MessageField("mode", FieldType.TEXT, "as for --mode"),
            MessageField("strength", FieldType.NUMBER, "0 the clip, 1 the stylized frame"),
            MessageField("keep_color", FieldType.FLAG, "keep the clip's colours"),
            MessageField("keep_borders", FieldType.FLAG, "leave borders of one colour as they are"),
            MessageField(
                "style_scale", FieldType.NUMBER, "as for --style-scale; 0 chooses as vst render does"
            ),
            MessageField(
                "keyframe_interval",
                FieldType.INTEGER,
                "as for --keyframe-interval; 0 chooses as vst render does",
            ),
            MessageField("look_ahead", FieldType.FLAG, "temporal: frames wait for the keyframe after them"),
            MessageField("seed", FieldType.INTEGER, "for modes that draw random numbers"),
            MessageField("device", FieldType.TEXT, "auto, cpu, cuda, cuda:n or mps"),
            MessageField("weights", FieldType.TEXT, "a folder of weights that is searched first, or empty"),
            MessageField("linear", FieldType.FLAG, "frames are scene-linear RGB, else R'G'B'"),
            MessageField("interactive", FieldType.FLAG, "a user waits for the frame"),
            MessageField("limit", FieldType.INTEGER, "interactive: frames to stylize at most for this one"),
        ),
    ),
    MessageType(
        "need",
        "worker",
        "asks for a source frame",
        (_ID, _INDEX, MessageField("slot", FieldType.INTEGER, "of the shared memory to write it to")),
    ),
    MessageType(
        "frame",
        "client",
        "the source frame is in its slot",
        (_ID, _INDEX, MessageField("hash", FieldType.HASH, "of the frame's pixels")),
    ),
    MessageType("missing", "client", "the clip has no such source frame", (_ID, _INDEX)),
    MessageType(
        "step",
        "worker",
        "an earlier frame of the shot is stylized",
        (
            _ID,
            MessageField("done", FieldType.INTEGER, "frames so far"),
            MessageField("steps", FieldType.INTEGER, "frames in all"),
        ),
    ),
    MessageType("wait", "worker", "the request is alive and waits for the engine", (_ID,)),
    MessageType("cancel", "client", "the host does not want the frame any more", (_ID,)),
    MessageType(
        "done",
        "worker",
        "the stylized frame is in its slot",
        (
            _ID,
            MessageField("approximate", FieldType.FLAG, "the shot was not stylized from its first frame"),
            MessageField("seconds", FieldType.NUMBER, "spent in the networks"),
        ),
    ),
    MessageType(
        "failed",
        "worker",
        "the request or the greeting failed",
        (_ID, MessageField("message", FieldType.TEXT, "what is wrong and what to do")),
    ),
    MessageType("cancelled", "worker", "the answer to cancel", (_ID,)),
    MessageType("purge", "client", "asks the worker to empty its caches; has no answer", ()),
)
