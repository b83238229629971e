"""The provenance of picture files: written into finished files, and read from them.

PNG, GIF, JPEG, TIFF, DPX and OpenEXR have a field for such a text. WebP, AVIF and JPEG 2000 have only XMP,
an XML document; there it is the name of the program that made the picture.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator
from html import escape, unescape
from pathlib import Path
from typing import Any, BinaryIO

from PIL import Image

from vst.media.provenance import MAX_CHARACTERS, add_provenance, find_provenance

_EXR_KEYS = ("comments", "provenance")
_TIFF_SOFTWARE, _TIFF_DESCRIPTION, _TIFF_ASCII = 305, 270, 2
_XMP_UUID = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
_XMP_TEXT = re.compile(rb'xmp:CreatorTool="([^"]{1,65536})"')
_XMP = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
    '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" '
    'xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:CreatorTool="{}"/></rdf:RDF></x:xmpmeta>'
    '<?xpacket end="r"?>'
)
_DPX_GENERIC, _DPX_HEADERS, _DPX_USER = 1664, 2048, 32
"""Bytes of a DPX file's generic headers, of all its headers, and of the name of its user data."""

_DPX_INDUSTRY = bytes(48) + b"\xff" * 20 + bytes(188) + b"\xff" * 128
"""DPX's headers of film and television, with every field undefined."""

_BLOCK = 1 << 20


def xmp_packet(text: str) -> bytes:
    """An XMP document that holds a provenance."""
    return _XMP.format(escape(text).replace("\n", "&#10;")).encode()


def save_options(kind: str, text: str) -> dict[str, Any]:
    """Pillow's options for a format that it writes a provenance to; none for one of `write_provenance`."""
    if kind == "JPEG":
        return {"comment": text.encode("ascii")}
    return {"xmp": xmp_packet(text)} if kind in ("WEBP", "AVIF") else {}


def exr_attributes(attributes: dict[str, Any], text: str) -> dict[str, Any]:
    """The attributes of an OpenEXR file with a provenance."""
    texts = {name: value for name, value in attributes.items() if isinstance(value, str)}
    add_provenance(texts, [name for name in _EXR_KEYS if name in texts or name not in attributes], text)
    return {**attributes, **texts}


def write_provenance(path: Path, kind: str, text: str) -> None:
    """Write a provenance into a finished picture or animation.

    Args:
        path: The file, as `vst.media.stills` writes it.
        kind: Its format, a value of `vst.media.stills.write.STILL_SUFFIXES` for which
            `save_options` has none, or WEBP for an animation.
        text: The provenance.

    Raises:
        OSError: If it cannot be written.
    """
    write = {
        "PNG": _write_png,
        "GIF": _write_gif,
        "WEBP": _write_webp,
        "TIFF": _write_tiff,
        "DPX": _write_dpx,
        "JPEG2000": _write_jp2,
    }[kind]
    with path.open("r+b") as file:
        write(file, text)


def _insert(file: BinaryIO, at: int, data: bytes) -> None:
    """Insert bytes into a file; what follows is moved from the end on, block by block."""
    end = file.seek(0, 2)
    while end > at:
        begin = max(at, end - _BLOCK)
        file.seek(begin)
        block = file.read(end - begin)
        file.seek(begin + len(data))
        file.write(block)
        end = begin
    file.seek(at)
    file.write(data)


def _write_png(file: BinaryIO, text: str) -> None:
    body = b"tEXtComment\0" + text.encode("ascii")
    # After the signature and the header; readers may ignore texts after the samples.
    _insert(file, 33, struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body)))


def _write_gif(file: BinaryIO, text: str) -> None:
    file.seek(10)
    flags = file.read(1)[0]
    colours = 3 << (flags & 7) + 1 if flags & 0x80 else 0
    data = text.encode("ascii")
    parts = (data[at : at + 255] for at in range(0, len(data), 255))
    blocks = b"".join(bytes([len(part)]) + part for part in parts)
    _insert(file, 13 + colours, b"\x21\xfe" + blocks + b"\0")


def _write_webp(file: BinaryIO, text: str) -> None:
    file.seek(12)
    kind, head = file.read(4), file.read(14)[4:]
    if kind != b"VP8X":
        # libwebp makes a simple file, lossless or lossy, of an animation whose frames are equal.
        if kind == b"VP8L":
            bits = int.from_bytes(head[1:5], "little")
            right, bottom, alpha = bits & 0x3FFF, bits >> 14 & 0x3FFF, bits >> 28 & 1
        else:
            right, bottom = (each - 1 & 0x3FFF for each in struct.unpack("<HH", head[6:10]))
            alpha = 0
        size = right.to_bytes(3, "little") + bottom.to_bytes(3, "little")
        _insert(file, 12, b"VP8X" + struct.pack("<I", 10) + bytes([alpha << 4, 0, 0, 0]) + size)
    packet = xmp_packet(text)
    file.seek(0, 2)
    file.write(b"XMP " + struct.pack("<I", len(packet)) + packet + bytes(len(packet) % 2))
    end = file.tell()
    file.seek(4)
    file.write(struct.pack("<I", end - 8))
    file.seek(20)
    flags = file.read(1)
    file.seek(20)
    file.write(bytes([flags[0] | 0x04]))


def _write_tiff(file: BinaryIO, text: str) -> None:
    """The directory of tags is written again, at the end of the file."""
    order = "<" if file.read(2) == b"II" else ">"
    file.seek(4)
    (at,) = struct.unpack(f"{order}I", file.read(4))
    file.seek(at)
    (count,) = struct.unpack(f"{order}H", file.read(2))
    entries = {}
    for _ in range(count):
        entry = file.read(12)
        entries[struct.unpack_from(f"{order}H", entry)[0]] = entry
    following = file.read(4)
    keys = {"software": _TIFF_SOFTWARE, "description": _TIFF_DESCRIPTION}
    texts = {name: _tiff_text(file, order, entries[tag]) for name, tag in keys.items() if tag in entries}
    before = dict(texts)
    add_provenance(texts, tuple(keys), text)
    end = file.seek(0, 2)
    file.write(bytes(end % 2))
    for name, value in texts.items():
        if value != before.get(name):
            data = value.encode("latin-1") + b"\0"
            place = file.tell()
            file.write(data + bytes(len(data) % 2))
            entries[keys[name]] = struct.pack(f"{order}HHII", keys[name], _TIFF_ASCII, len(data), place)
    at = file.tell()
    file.write(struct.pack(f"{order}H", len(entries)) + b"".join(entries[tag] for tag in sorted(entries)))
    file.write(following)
    file.seek(4)
    file.write(struct.pack(f"{order}I", at))


def _tiff_text(file: BinaryIO, order: str, entry: bytes) -> str:
    """The value of a tag of text."""
    _, _, count, place = struct.unpack(f"{order}HHII", entry)
    data = entry[8:]
    if count > 4:
        file.seek(place)
        data = file.read(count)
    return data[:count].rstrip(b"\0").decode("latin-1")


def _write_dpx(file: BinaryIO, text: str) -> None:
    name = b"vst".ljust(_DPX_USER, b"\0")
    data = text.encode("ascii")
    user = name + data + bytes(-len(data) % 4)
    _insert(file, _DPX_GENERIC, _DPX_INDUSTRY + user)
    size = file.seek(0, 2)
    file.seek(4)
    file.write(struct.pack(">I", _DPX_HEADERS + len(user)))  # where the samples begin
    file.seek(16)
    file.write(struct.pack(">I", size))
    file.seek(24)
    file.write(struct.pack(">II", _DPX_HEADERS - _DPX_GENERIC, len(user)))


def _write_jp2(file: BinaryIO, text: str) -> None:
    packet = _XMP_UUID + xmp_packet(text)
    file.seek(0, 2)
    file.write(struct.pack(">I4s", 8 + len(packet), b"uuid") + packet)


def provenance_in_picture(image: Image.Image) -> str | None:
    """The provenance of a picture or animation that Pillow has opened, or None."""
    info = image.info
    tags = getattr(image, "tag_v2", {})
    found = {
        "PNG": info.get("Comment"),
        "comment": info.get("comment"),
        "software": tags.get(_TIFF_SOFTWARE),
        "description": tags.get(_TIFF_DESCRIPTION),
    }
    xmp = info.get("xmp")
    found["xmp"] = _text_of_xmp(xmp) if isinstance(xmp, bytes) else None
    texts = {
        key: value.decode("latin-1") if isinstance(value, bytes) else value
        for key, value in found.items()
        if isinstance(value, (str, bytes))
    }
    return find_provenance(texts)


def provenance_in_exr(attributes: dict[str, Any]) -> str | None:
    """The provenance among the attributes of an OpenEXR file, or None."""
    return find_provenance({name: value for name, value in attributes.items() if isinstance(value, str)})


def provenance_in_coded(data: bytes, codec: str) -> str | None:
    """The provenance in the contents of a DPX or JPEG 2000 file, or None."""
    texts = _dpx_texts(data) if codec == "dpx" else _jp2_texts(data)
    return find_provenance({str(number): text for number, text in enumerate(texts)})


def _dpx_texts(data: bytes) -> Iterator[str]:
    order = ">" if data[:4] == b"SDPX" else "<"
    if len(data) > _DPX_HEADERS:
        (size,) = struct.unpack_from(f"{order}I", data, 28)
        if _DPX_USER < size <= _DPX_USER + MAX_CHARACTERS + 4:
            yield data[_DPX_HEADERS + _DPX_USER :][: size - _DPX_USER].rstrip(b"\0").decode("latin-1")


def _jp2_texts(data: bytes) -> Iterator[str]:
    at = 0
    while at + 8 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        if kind == b"uuid" and data[at + 8 : at + 24] == _XMP_UUID:
            text = _text_of_xmp(data[at + 24 : at + max(size, 24)])
            if text is not None:
                yield text
        if size < 8:
            return  # the last box, or a long one, which no file of ours has
        at += size


def _text_of_xmp(packet: bytes) -> str | None:
    match = _XMP_TEXT.search(packet, 0, 2 * MAX_CHARACTERS)
    return None if match is None else unescape(match[1].decode("utf-8", "replace"))
