"""Messages in an editor speak of its parameters."""

from __future__ import annotations

import pytest
import torch

from tests.host.conftest import with_changes
from vst.device import choose_device
from vst.errors import UsageError, VstError
from vst.host.parameter_words import check_parameters, in_parameter_words
from vst.host.replay import _LESS_MEMORY
from vst.pipeline.memory_estimate import explained_memory


def test_options_become_parameters():
    line = "use --device cpu, broader strokes with --style-scale, or --keep-color"
    assert in_parameter_words(line, "openfx") == (
        "use Device cpu, broader strokes with Stroke size, or Keep colour"
    )
    assert in_parameter_words(line, "frei0r") == (
        "use device cpu, broader strokes with style_scale, or keep_color"
    )


def test_an_option_that_an_editor_lacks_is_one_of_the_command():
    assert (
        in_parameter_words("--tile changes that", "openfx")
        == "the option tile of 'vst render' changes that"
    )


@pytest.mark.parametrize("editor", ["openfx", "frei0r"])
def test_errors_of_devices_name_no_option_of_the_command(editor, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(VstError) as missing:
        choose_device("cuda")
    with pytest.raises(VstError) as memory, explained_memory(torch.device("cuda"), _LESS_MEMORY):
        raise MemoryError
    for error in (missing, memory):
        message = in_parameter_words(str(error.value), editor)
        assert "--" not in message
        assert "vst render" not in message


@pytest.mark.parametrize(
    ("editor", "change", "message"),
    [
        ("openfx", {"strength": 1.5}, "Strength is 1.5; expected 0 to 1"),
        ("frei0r", {"strength": -1.0}, "strength is -1; expected 0 to 1"),
        ("openfx", {"style_scale": 20.0}, "Stroke size is 20; expected 0.1 to 10, or 0"),
        ("frei0r", {"style_scale": 20.0}, "style_scale is 2; expected 0.01 to 1, or 0"),
        ("frei0r", {"seed": -1}, "seed is -1e-06; expected 0 to 1"),
    ],
)
def test_ranges_have_the_scale_of_the_editor(make_host, editor, change, message):
    settings = with_changes(make_host().request, **change).settings
    with pytest.raises(UsageError) as error:
        check_parameters(settings, editor)
    assert str(error.value) == message
