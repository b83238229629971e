"""The parameters of the editor plugins keep what projects have saved."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from vst.host.plugin_build import source_folder
from vst.host.plugin_parameters import HEADER, EditorOptions, frei0r_parameters, header, openfx_parameters
from vst.pipeline.options import OpenFxParameter, option
from vst.pipeline.settings import RenderSettings

# What projects of editors have saved. New entries are appended; none is ever changed or removed.
OPENFX_NAMES = [
    *("style", "blend", "mode", "strength", "keepColor", "styleScale", "seed", "device", "colourSpace"),
    *("replayLimit", "weights", "keepBorders", "keyframeInterval", "lookAhead"),
]
CHOICES = {
    "device": ["auto", "cpu", "cuda"],
    "colourSpace": ["auto", "sRGB (display)", "linear"],
    "lookAhead": ["auto", "0"],
}
FREI0R = [
    *(("style", 1), ("mode", 1), ("strength", 1), ("keep_color", 1), ("style_scale", 10), ("device", 1)),
    *(("weights", 1), ("seed", 1_000_000), ("keep_borders", 1), ("keyframe_interval", 16)),
]


def test_openfx_names_are_kept_in_their_order():
    names = [parameter.name for parameter, _ in openfx_parameters()]
    assert names[: len(OPENFX_NAMES)] == OPENFX_NAMES
    assert len(set(names)) == len(names)


def test_choices_keep_their_numbers():
    found = {parameter.name: parameter.choices for parameter, _ in openfx_parameters()}
    for name, saved in CHOICES.items():
        assert list(found[name].items())[: len(saved)] == [
            (choice, number) for number, choice in enumerate(saved)
        ]


def test_frei0r_positions_and_scales_are_kept():
    found = [(parameter.name, parameter.full_scale) for parameter, _ in frei0r_parameters()]
    assert found[: len(FREI0R)] == FREI0R


def test_the_header_of_the_plugins_is_current():
    written = (source_folder() / HEADER).read_text(encoding="utf-8")
    assert written == header(), "run python -m vst.host.plugin_parameters"


@pytest.mark.parametrize(
    "parameter",
    [
        OpenFxParameter(position=3, name="again", label="Again"),
        OpenFxParameter(position=15, name="far", label="Far"),
        OpenFxParameter(position=14, name="other", label="Other", choices={"a": 0, "b": 2}),
    ],
)
def test_a_position_taken_twice_or_left_out_is_refused(parameter):
    @dataclass(frozen=True, kw_only=True)
    class Table(RenderSettings):
        toy: str = option("", type=str, help="A toy.", openfx=parameter)

    with pytest.raises(ValueError, match="expected each from 0 once"):
        openfx_parameters(Table, EditorOptions)
