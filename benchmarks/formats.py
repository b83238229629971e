"""Properties of files that are kept when they are read and written in the codec of a render.

    python -m benchmarks.formats ../shared/data/odd

prints the tables of benchmarks/results/formats.md: the files of a folder, and generated samples of formats
that are common in post-production. Only the first frames are written, without stylization. Audio,
subtitles, chapters and tags are copied completely, as in a render.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av

from benchmarks.format_samples import make_samples
from vst.errors import VstError
from vst.media import ClipInfo, Reader, open_writer
from vst.media.probe import probe
from vst.media.probe.describe import describe
from vst.media.stills.sequence import is_pattern, numbered
from vst.pipeline.output_path import written_suffix

FRAMES = 4
"""Frames that are read and written of each clip."""


@dataclass(frozen=True)
class FormatResult:
    """The result for one file.

    Attributes:
        name: Name of the file or sample.
        properties: Kind, size, sample format and frame rate.
        kept: Properties that the output has as well.
        notes: The notes of reader and writer.
        refused: The error text, if the file was refused.
    """

    name: str
    properties: str
    kept: str = ""
    notes: str = ""
    refused: str = ""


def examine(name: str, source: Path, folder: Path, **options: str) -> FormatResult:
    """Read the first frames of a clip, write them, and compare input and output."""
    try:
        with Reader(source, **options) as reader:  # type: ignore[arg-type]
            info = reader.info
            target = _target(source, folder)
            with open_writer(target, info) as writer:
                times = []
                for frame in reader:
                    writer.write(frame)
                    times.append(frame.time)
                    if len(times) == FRAMES:
                        break
            notes = (*reader.notes, *writer.notes)
        kept = _kept(probe(source), info, target, times)
        return FormatResult(
            name, _properties(probe(source)), ", ".join(kept), "; ".join(dict.fromkeys(notes))
        )
    except VstError as error:
        return FormatResult(name, "", refused=str(error).replace(str(source.parent) + "/", ""))


def _target(source: Path, folder: Path) -> Path:
    if is_pattern(source):
        return folder / "out" / f"%04d{source.suffix}"
    return folder / f"out{written_suffix(source)}"


def _properties(info: ClipInfo) -> str:
    words = dict(describe(info))
    parts = [words["kind"], words["size"], words["samples"]]
    if info.average_rate and not info.is_still:
        parts.append(f"{'about ' if info.variable_rate else ''}{float(info.average_rate):.5g}/s")
    return ", ".join(parts)


def _kept(stored: ClipInfo, info: ClipInfo, target: Path, times: list[Fraction]) -> list[str]:
    """The properties that are equal in input and output."""
    shown = target
    if is_pattern(target):
        first = info.sequence.numbers[0] if info.sequence else 1
        shown = numbered(target, first)
    after = probe(shown)
    kept = []
    if (after.width, after.height) == (stored.width, stored.height):
        turned = stored.stored.rotation or stored.stored.mirrored
        kept.append("size" + (" (upright)" if turned else ""))
    if after.sample_aspect == stored.sample_aspect != 1:
        kept.append(f"pixel aspect {stored.sample_aspect}")
    if is_pattern(target):
        kept.append("numbers")
    elif not info.is_still and _same_times(target, times, info):
        kept.append("times" + (" (variable)" if stored.variable_rate else ""))
    if stored.light == after.light == "linear":
        kept.append("linear light")
    elif (after.colour.matrix, after.colour.full_range) == (stored.colour.matrix, stored.colour.full_range):
        kept.append("colour matrix and range")
    if after.bit_depth == stored.bit_depth:
        kept.append(f"{stored.bit_depth} bits")
    if stored.has_alpha and after.has_alpha:
        kept.append("alpha")
    if stored.audio:
        same = sum(_payloads(stored.path, "audio")[n] == p for n, p in enumerate(_payloads(shown, "audio")))
        kept.append(f"{same} of {len(stored.audio)} sound")
    if stored.subtitles and len(after.subtitles) == len(stored.subtitles):
        kept.append(f"{len(stored.subtitles)} subtitles")
    if stored.chapters and [c.start for c in after.chapters] == [c.start for c in stored.chapters]:
        kept.append(f"{len(stored.chapters)} chapters")
    if stored.timecode and after.timecode == stored.timecode:
        kept.append("timecode")
    if any("cover" in extra for extra in stored.extras) and any("cover" in extra for extra in after.extras):
        kept.append("cover")
    dates = [{k.lower(): v for k, v in i.metadata.items()}.get("creation_time") for i in (stored, after)]
    if dates[0] and dates[0] == dates[1]:
        kept.append("date")
    return kept


def _same_times(path: Path, times: list[Fraction], info: ClipInfo) -> bool:
    with Reader(path) as reader:
        unit = max(reader.info.time_base, info.time_base)
        # A broadcast stream is shifted to start at 0.
        shift = times[0] - reader.info.start if times and abs(times[0] - reader.info.start) > 1 else 0
        return all(
            abs(frame.time - time + shift) <= unit for frame, time in zip(reader, times, strict=True)
        )


def _payloads(path: Path, kind: str) -> list[int]:
    """A hash of the packets of each stream."""
    with av.open(str(path)) as container:
        streams = [stream for stream in container.streams if stream.type == kind]
        kept: dict[int, list[bytes]] = {stream.index: [] for stream in streams}
        for packet in container.demux(streams):
            if packet.size:
                kept[packet.stream_index].append(_without_frame(bytes(packet)))
    return [hash(tuple(found)) for found in kept.values()]


def _without_frame(packet: bytes) -> bytes:
    """AAC without the ADTS header, which it has in a transport stream only."""
    if len(packet) < 9 or packet[0] != 0xFF or packet[1] & 0xF6 != 0xF0:
        return packet
    return packet[7 if packet[1] & 1 else 9 :]


def table(results: Iterable[FormatResult]) -> Iterator[str]:
    """Rows of Markdown; refused files after the others."""
    results = list(results)
    yield "| file | properties | kept | notes |"
    yield "|---|---|---|---|"
    for each in results:
        if not each.refused:
            yield f"| {each.name} | {each.properties} | {each.kept} | {each.notes} |"
    refused = [each for each in results if each.refused]
    if refused:
        yield ""
        yield "| refused | error |"
        yield "|---|---|"
        yield from (f"| {each.name} | {each.refused} |" for each in refused)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", help="folder of files; without it only the samples")
    given = parser.parse_args(arguments)
    if given.folder is not None:
        files = sorted(path for path in given.folder.iterdir() if path.is_file())
        print("\n".join(table(_each((path.name, path) for path in files))), end="\n\n")
    with tempfile.TemporaryDirectory() as folder:
        print("\n".join(table(_each(make_samples(Path(folder))))))
    return 0


def _each(files: Iterable[tuple[str, Path]]) -> Iterator[FormatResult]:
    variants: dict[str, list[dict[str, str]]] = {
        "hdr": [{"hdr": "keep"}],
        "fields": [{"deinterlace": "fields"}],
    }
    for name, path in files:
        for options in ({}, *_further(path, variants)):
            label = name + "".join(f" (--{key} {value})" for key, value in options.items())
            with tempfile.TemporaryDirectory() as folder:
                yield examine(label, path, Path(folder), **options)


def _further(path: Path, variants: dict[str, list[dict[str, str]]]) -> Iterator[dict[str, str]]:
    """Further options with which a file of this kind is tested."""
    try:
        info = probe(path)
    except VstError:
        return
    if info.colour.is_hdr:
        yield from variants["hdr"]
    if info.fields.interlaced:
        yield from variants["fields"]


if __name__ == "__main__":
    sys.exit(main())
