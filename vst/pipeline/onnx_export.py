"""A style written as an ONNX file, for programs without vst."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import torch

import vst
from vst.errors import UsageError, VstError, suggestion
from vst.files import check_new_file, write_whole
from vst.media.provenance import provenance_text
from vst.modes import find_mode
from vst.modes.frame_stylizer import FrameStylizer
from vst.modes.network_file import load_selection
from vst.modes.registry import available_modes
from vst.nn.style_network import SMALLEST_SIDE
from vst.pipeline.option_values import EXPORT_PRECISIONS, MAX_SIDE
from vst.pipeline.provenance import style_parts
from vst.styles import ResolvedStyle, resolve_style
from vst.styles.quality import BEST

if TYPE_CHECKING:
    from onnx import ModelProto

SUFFIX = ".onnx"

_TYPES = dict(zip(EXPORT_PRECISIONS, (torch.float32, torch.float16), strict=True))
_PACKAGES = ("onnx", "onnxscript")


@dataclass(frozen=True, kw_only=True)
class ExportSettings:
    """The settings of `vst export`.

    Raises:
        UsageError: A value is out of range.
    """

    style: str
    """A style, or a blend such as `candy:0.6+wave:0.4`."""
    mode: str = "itn"
    """One that stylizes each frame by itself."""
    quality: str = BEST
    """`best`, `standard` or `fast`, as for a render."""
    size: tuple[int, int] | None = None
    """Width and height of the pictures; None: any, at every call another."""
    precision: str = "fp32"
    """fp32 or fp16, of the convolutions and their weights. Pictures are fp32 with either."""
    weights_dir: Path | None = None
    """Searched before the usual weight folders."""
    overwrite: bool = False
    """Whether to replace an existing file."""

    def __post_init__(self) -> None:
        if self.precision not in _TYPES:
            raise UsageError(f"precision is {self.precision!r}: {suggestion(self.precision, _TYPES)}")
        if self.size is not None and not all(SMALLEST_SIDE <= side <= MAX_SIDE for side in self.size):
            width, height = self.size
            raise UsageError(
                f"size is {width}x{height}; expected both sides from {SMALLEST_SIDE} to {MAX_SIDE} pixels"
            )


@dataclass(frozen=True)
class ExportReport:
    """What `export_onnx` wrote.

    Attributes:
        output: The file.
        size: Its number of bytes.
        opset: Version of ONNX's operators.
        metadata: The properties in the file, by name.
    """

    output: Path
    size: int
    opset: int
    metadata: Mapping[str, str]


def export_onnx(settings: ExportSettings, output: Path | str) -> ExportReport:
    """Write a style as an ONNX file. The input `image` and the output `stylized` are 1×3×H×W, RGB, 0..1.

    Args:
        settings: Style, size and everything else.
        output: A name that ends in `.onnx`.

    Raises:
        UsageError: An option is invalid, or the mode needs more than the frame.
        MediaError: The file cannot be written.
        WeightsError: A weight file is damaged, or not the one that the catalogue lists.
        VstError: A package is missing, or the network uses an operation that has no translation.
    """
    output = Path(output)
    if output.suffix.lower() != SUFFIX:
        raise UsageError(f"{output} is no name for an ONNX file: expected one that ends in {SUFFIX}")
    _check_mode(settings.mode)
    style = resolve_style(
        settings.style, settings.mode, quality=settings.quality, weights_dir=settings.weights_dir
    )
    check_new_file(output, settings.overwrite, style.files)
    _check_packages()
    style.catalogue.check_digests(style.selection)
    network = load_selection(style.selection)
    metadata = dict(_metadata(style, settings))

    from vst.modes.onnx_graph import OPSET, to_onnx

    model = to_onnx(network, style.mixture, settings.size, _TYPES[settings.precision])
    _describe(model, metadata)
    content = model.SerializeToString(deterministic=True)
    write_whole(output, content)
    return ExportReport(output, len(content), OPSET, metadata)


def _check_mode(name: str) -> None:
    """Refuse a mode whose networks are given more than the frame."""
    if find_mode(name).stylizer_factory is not FrameStylizer:
        fit = " or ".join(
            other for other, mode in available_modes().items() if mode.stylizer_factory is FrameStylizer
        )
        raise UsageError(
            f"mode {name!r} stylizes a frame from what it did with the frames before it, and an ONNX file "
            f"is given one picture: expected mode {fit}"
        )


def _check_packages() -> None:
    missing = [name for name in _PACKAGES if find_spec(name) is None]
    if missing:
        raise VstError(
            f"an ONNX file cannot be written without {' and '.join(missing)}: "
            f"pip install {' '.join(_PACKAGES)}"
        )


def _metadata(style: ResolvedStyle, settings: ExportSettings) -> Iterator[tuple[str, str]]:
    parts = style_parts(style)
    size = "any" if settings.size is None else "{}x{}".format(*settings.size)
    provenance = provenance_text(vst.__version__, style.mode, parts)
    shares = [f":{part.share:.6g}" if len(parts) > 1 else "" for part in parts]
    yield "provenance", provenance
    yield "vst", vst.__version__
    yield "mode", style.mode
    yield "style", "+".join(f"{part.name}{share}" for part, share in zip(parts, shares, strict=True))
    yield "weights", ", ".join(f"{part.name} sha256:{part.sha256}" for part in parts)
    yield "licence", ", ".join(sorted({info.licence for info in style.selection.files}))
    yield (
        "rights",
        "; ".join(
            f"{name}: {style.catalogue.styles[name].rights}"
            for name in style.blend.names
            if style.catalogue.styles[name].rights
        ),
    )
    yield "precision", settings.precision
    yield "size", size


def _describe(model: ModelProto, metadata: Mapping[str, str]) -> None:
    """Put the metadata, and the meaning of input and output, into a model."""
    model.producer_name, model.producer_version = "vst", vst.__version__
    model.doc_string = metadata["provenance"]
    for place, meaning in ((model.graph.input[0], "a picture"), (model.graph.output[0], "it stylized")):
        place.doc_string = (
            f"{meaning}: 1x3xHxW, RGB, 0 to 1 (display-referred R'G'B'), sides of {SMALLEST_SIDE} or more"
        )
    for name, value in metadata.items():
        # A protobuf string is UTF-8; text in a weight file may be anything that JSON can express.
        model.metadata_props.add(key=name, value=value.encode("utf-8", "backslashreplace").decode())
