"""What the samples of an output mean: the source's colour, unless the output cannot signal it."""

from __future__ import annotations

from dataclasses import replace

from vst.media.colour.layout import Layout
from vst.media.colour.spec import ColourSpec, guess_matrix
from vst.media.encode.codec import Codec
from vst.media.encode.containers import Container
from vst.media.notes import Notes, converted


def output_colour(
    colour: ColourSpec, layout: Layout, codec: Codec, container: Container, height: int, notes: Notes
) -> ColourSpec:
    """The colour of an output.

    Args:
        colour: The source's.
        layout: Layout of the output's pixel format.
        codec: The output's codec.
        container: The output's container.
        height: Rows of the output.
        notes: Gets a note for each conversion.
    """
    if layout.is_rgb:
        if colour.matrix == "rgb":
            return colour
        return replace(
            colour, matrix="rgb", full_range=True, matrix_code=0, matrix_tagged=True, range_tagged=True
        )
    if colour.matrix == "rgb":
        notes.add(converted(f"RGB is converted to {layout.name} with the BT.709 matrix, limited range"))
        # Means over blocks are centred.
        return ColourSpec("bt709", False, 1, 1, 1, True, True, layout.chroma in codec.centred_chroma)
    signals_full = codec.full_range == "stream" or (
        codec.full_range == "container" and container.carries_range
    )
    if colour.full_range and not signals_full:
        notes.add(
            converted(f"full range becomes limited: {codec.name} in .{container.name} cannot signal full")
        )
        colour = replace(colour, full_range=False, range_tagged=True)
    if layout.chroma not in codec.centred_chroma:
        colour = replace(colour, centred_chroma=False)
    if not colour.matrix_tagged and guess_matrix(height) != colour.matrix:
        # At the output's size a player would assume another matrix, so it is tagged.
        code = {"bt601": 6, "bt709": 1}[colour.matrix]
        colour = replace(colour, matrix_code=code, matrix_tagged=True)
    return colour
