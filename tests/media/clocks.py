"""Clips whose clock is wrong, made from good ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import av

TS_PACKET = 188
CLOCK = 90_000
WRAP = 1 << 33

Change = Callable[[str, int, int], int]
"""Kind of stream (video or audio), number of its PES packet, ticks -> ticks."""


def change_ts(source: Path, target: Path, change: Change) -> Path:
    """Copy an MPEG-TS file with other timestamps, modulo 2^33 as they are stored."""
    data = bytearray(source.read_bytes())
    counts = {"video": 0, "audio": 0}
    for at in range(0, len(data), TS_PACKET):
        starts, has_field = data[at + 1] & 0x40, data[at + 3] & 0x20
        pes = at + 4 + (1 + data[at + 4] if has_field else 0)
        if not starts or bytes(data[pes : pes + 3]) != b"\0\0\1":
            continue
        kind = "video" if data[pes + 3] & 0xF0 == 0xE0 else "audio"
        for place in range({2: 1, 3: 2}.get(data[pes + 7] >> 6, 0)):
            field = pes + 9 + 5 * place
            _write(data, field, change(kind, counts[kind], _read(data, field)) % WRAP)
        counts[kind] += 1
    target.write_bytes(data)
    return target


def _read(data: bytearray, at: int) -> int:
    high, middle, low = data[at] >> 1 & 7, int.from_bytes(data[at + 1 : at + 3]), data[at + 3 : at + 5]
    return high << 30 | middle >> 1 << 15 | int.from_bytes(low) >> 1


def _write(data: bytearray, at: int, ticks: int) -> None:
    data[at] = data[at] & 0xF0 | ticks >> 30 << 1 | 1
    data[at + 1 : at + 3] = ((ticks >> 15 & 0x7FFF) << 1 | 1).to_bytes(2)
    data[at + 3 : at + 5] = ((ticks & 0x7FFF) << 1 | 1).to_bytes(2)


def remux(
    source: Path, target: Path, change: Callable[[int, av.Packet], None] = lambda number, packet: None
) -> Path:
    """Copy the video packets into another container, each changed before."""
    with av.open(str(source)) as given, av.open(str(target), "w") as out:
        copy = out.add_stream_from_template(given.streams.video[0], opaque=True)
        for number, packet in enumerate(each for each in given.demux(video=0) if each.size):
            packet.stream = copy
            change(number, packet)
            out.mux_one(packet)
    return target


def joined(target: Path, *parts: Path, skip: int = 0) -> Path:
    """Files one after the other; `skip` bytes are left out at the start of each but the first."""
    data = [part.read_bytes()[skip if number else 0 :] for number, part in enumerate(parts)]
    target.write_bytes(b"".join(data))
    return target
