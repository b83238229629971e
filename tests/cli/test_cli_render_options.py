"""One field of the settings is the whole of an option, shown by a toy: settings with film grain."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import click
import pytest
import torch
from click.testing import CliRunner

from vst.batch.manifest import settings_digest
from vst.cli.options import click_options
from vst.cli.options_page import PAGE, options_page
from vst.errors import UsageError
from vst.host.plugin_parameters import EditorOptions, header
from vst.media.probe import probe
from vst.pipeline.fingerprint import changes, fingerprint_of
from vst.pipeline.options import Effect, Frei0rParameter, OpenFxParameter, Range, option, options_of
from vst.pipeline.settings import RenderSettings

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, kw_only=True)
class ToySettings(RenderSettings):
    grain: float = option(
        0.5,
        type=float,
        metavar="AMOUNT",
        range=Range(0, 2, low_means="none"),
        help="Amount of film grain.",
        openfx=OpenFxParameter(position=14, name="grain", label="Grain"),
        frei0r=Frei0rParameter(position=10, name="grain", full_scale=2),
    )
    shout: bool = option(False, type=bool, effect=Effect.NONE, in_batch=False, help="Report in capitals.")


def settings_of(*arguments: str, batch: bool = False) -> ToySettings:
    """The settings that a command with the toy's options makes of its arguments."""
    made = []

    def command(**options: object) -> None:
        made.append(ToySettings(**options))

    for each in reversed(click_options(ToySettings, batch=batch)):
        command = each(command)
    result = CliRunner().invoke(click.command()(command), ["--style", "candy", *arguments])
    if result.exit_code:
        raise result.exception if isinstance(result.exception, UsageError) else UsageError(result.output)
    return made[0]


def test_a_field_is_an_option_of_the_command_line():
    assert settings_of("--grain", "1.5", "--shout") == ToySettings(style="candy", grain=1.5, shout=True)
    assert settings_of() == ToySettings(style="candy")


def test_a_field_is_an_option_of_a_batch_unless_it_is_excluded():
    assert settings_of("--grain", "1.5", batch=True).grain == 1.5
    with pytest.raises(UsageError, match="No such option"):
        settings_of("--shout", batch=True)


def test_a_field_is_validated():
    with pytest.raises(UsageError, match=r"^grain is 3; expected 0 \(none\) to 2$"):
        settings_of("--grain", "3")


def test_a_field_that_changes_frames_is_part_of_the_fingerprint(clip):
    def fingerprint(**options: object) -> dict[str, str]:
        settings = ToySettings(style="candy", **options)
        return fingerprint_of(settings, probe(clip), torch.device("cpu"), torch.float32, [], None)

    before = fingerprint()
    assert changes(before, fingerprint(grain=1)) == ["--grain was 0.5 and is 1.0"]
    assert changes(before, fingerprint(shout=True)) == []


def test_a_field_that_changes_frames_is_part_of_the_batch_record():
    settings = ToySettings(style="candy")
    assert settings_digest(replace(settings, grain=1.0)) != settings_digest(settings)
    assert settings_digest(replace(settings, shout=True)) == settings_digest(settings)


def test_a_field_with_plugin_parameters_is_in_the_plugins_header():
    text = header(ToySettings, EditorOptions)
    assert 'X("grain", "Grain", NUMBER, 0.5, 0, 2, 2, 0, "Amount of film grain.")' in text
    assert 'X(GRAIN, "grain", F0R_PARAM_DOUBLE, 0.25, 2, "Amount of film grain.")' in text
    assert "shout" not in text


def test_a_field_is_in_the_documentation():
    page = options_page(ToySettings, EditorOptions)
    assert "| `--grain` | 0 (none) to 2 | `0.5` | Amount of film grain. | yes | render, batch |" in page
    assert "| `--shout` | flag | off | Report in capitals. | no | render |" in page
    assert "| `grain` | Grain |  | 10 `grain` | 2 | Amount of film grain. |" in page


def test_the_page_in_the_documentation_is_current():
    written = (ROOT / PAGE).read_text(encoding="utf-8")
    assert written == options_page(), "run python -m vst.cli.options_page"


def test_every_option_has_a_help_of_whole_sentences():
    for each in options_of(RenderSettings):
        assert each.option.help.endswith("."), each.name


@pytest.mark.parametrize("spelling", ["--keep-color", "--keep-colour"])
def test_options_are_accepted_in_american_and_british_spelling(vst, monkeypatch, spelling):
    seen = []
    monkeypatch.setattr("vst.pipeline.render", lambda clip, settings, *_, **__: seen.append(settings))
    vst("render", "clip.mov", "--style", "candy", spelling)
    assert [settings.keep_color for settings in seen] == [True]


def test_choices_are_accepted_in_american_and_british_spelling(vst, monkeypatch):
    seen = []
    monkeypatch.setattr(
        "vst.pipeline.flow_export.follow_motion", lambda clip, settings, **_: seen.append(settings.show)
    )
    vst("flow", "clip.mov", "--view", "view.mp4", "--show", "colour")
    assert seen == ["color"]


@pytest.mark.parametrize("command", ["render", "batch"])
def test_options_of_some_modes_have_a_section_of_their_own_in_help(vst, command):
    text = vst(command, "--help").out
    first, _, last = text.partition("Options of modes that optimise pixels:")
    assert "--strength" in first
    assert "--json" in first
    assert "--style-weight" in last
    assert "--style-weight" not in first
    assert ("--preview" in last) == (command == "render")


def test_optimiser_is_accepted_in_american_and_british_spelling(vst, monkeypatch):
    seen = []
    monkeypatch.setattr("vst.pipeline.render", lambda clip, settings, *_, **__: seen.append(settings))
    vst("render", "a.png", "--style", "b.jpg", "--mode", "gatys", "--optimiser", "adam")
    assert [settings.optimizer for settings in seen] == ["adam"]
