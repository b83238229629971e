"""How styles and strengths over time are written, and what they are at each frame."""

from __future__ import annotations

import json
from fractions import Fraction

import pytest

import vst
from vst.errors import UsageError
from vst.frame import Frame
from vst.keyframes import Cue
from vst.pipeline.control.frame_control import Clock, FrameControl
from vst.pipeline.control.timeline import (
    StrengthTimeline,
    StyleTimeline,
    parse_strength,
    parse_style,
)
from vst.pipeline.settings import RenderSettings

STYLES = ("red", "blue")


def frame(index: int, rate: int | Fraction = 25, start: Fraction = Fraction(0)) -> Frame:
    return Frame(index, start + Fraction(index) / rate, 1 / Fraction(rate), None)  # type: ignore[arg-type]


def controlled(styles, strength=1.0, frames=30, rate=25, clock=None):
    control = FrameControl(STYLES, clock or Clock(), styles, strength)
    given = [frame(index, rate) for index in range(frames)]
    return [control.at(now, before) for before, now in zip([None, *given], given, strict=False)]


@pytest.mark.parametrize(
    "text",
    [
        "0s:candy 5s:candy:0.5+wave:0.5 8s:none",
        "24f:candy",
        "0:05:candy 1:00:05.5:wave",
        "0s:candy hold 5s:wave hold 8s:none",
        "0s:candy 5s:candy 5s:wave",
    ],
)
def test_a_style_timeline_is_written_as_it_is_read(text):
    assert str(parse_style(text)) == text
    assert str(parse_style(str(parse_style(text)))) == text


def test_what_is_no_timeline_stays_a_style():
    assert parse_style("candy:0.6+wave:0.4") == "candy:0.6+wave:0.4"
    assert parse_strength("0.5") == 0.5
    assert str(parse_strength("0:02:0.5 0:04:1")) == "0:02:0.5 0:04:1"


def test_the_library_has_typed_values():
    timeline = vst.StyleTimeline.of((0, "candy"), ("5s", "wave"), hold=True)
    settings = RenderSettings(style=timeline, strength=vst.StrengthTimeline.of(("0f", 0), ("10f", 1)))
    assert settings.style is timeline
    assert str(settings.style) == "0s:candy hold 5s:wave hold"
    assert settings.strength.values == (0.0, 1.0)
    assert settings.styles.label == "candy+wave"
    assert settings == RenderSettings(style="0s:candy hold 5s:wave hold", strength="0f:0 10f:1")


def test_a_mixture_with_none_is_a_strength():
    settings = RenderSettings(style="candy:0.6+none:0.4")
    assert isinstance(settings.style, StyleTimeline)
    (found,) = controlled(StyleTimeline.of(("0s", "red:0.6+none:0.4")), frames=1)
    assert found.mixture == (1.0, 0.0)
    assert found.strength == pytest.approx(0.6)


def test_values_are_linear_between_entries_and_constant_outside():
    found = controlled(parse_style("5f:red 15f:blue"))
    assert [each.mixture for each in found[:6]] == [(1.0, 0.0)] * 6
    assert found[10].mixture == (0.5, 0.5)
    assert [each.mixture for each in found[15:]] == [(0.0, 1.0)] * 15
    strengths = [each.strength for each in controlled(None, parse_strength("0.2s:0 0.4s:1"))]
    assert strengths[:6] == [0.0] * 6
    assert strengths[6] == pytest.approx(0.2)
    assert strengths[10:] == [1.0] * 20


@pytest.mark.parametrize("text", ["0f:red 7f:red 7f:blue", "0f:red hold 7f:blue", "7f:red 7f:blue"])
def test_a_step_begins_anew_at_its_frame(text):
    found = controlled(parse_style(text))
    assert [index for index, each in enumerate(found) if each.cue is Cue.ANEW] == [7]
    assert [each.mixture for each in found] == [(1.0, 0.0)] * 7 + [(0.0, 1.0)] * 23


def test_a_linear_change_begins_and_ends_with_a_keyframe():
    found = controlled(parse_style("0.2s:red 0.41s:blue"))
    # 0.41 s is between the frames 10 and 11.
    assert [index for index, each in enumerate(found) if each.cue is Cue.KEYFRAME] == [5, 10]
    assert found[5].mixture == (1.0, 0.0)


def test_a_change_of_strength_needs_no_keyframe_and_what_is_not_stylized_is_idle():
    found = controlled(parse_style("5f:red 10f:none hold 20f:none 20f:red"), parse_strength("0f:1 3f:0.5"))
    cues = [each.cue for each in found]
    assert cues == [Cue.NONE] * 10 + [Cue.IDLE] * 10 + [Cue.NONE] * 10
    assert found[7].mixture == (1.0, 0.0)
    assert found[7].strength == pytest.approx(0.3)


def test_times_are_rounded_to_milliseconds_and_count_from_the_first_frame():
    rate, start = Fraction(24000, 1001), Fraction(7, 3)
    timeline = parse_style("0s:red hold 0.375s:blue")  # frame 9 is at 0.375375 s
    control = FrameControl(STYLES, Clock(start), timeline, 1.0)
    at = [control.at(frame(n, rate, start), frame(n - 1, rate, start)) for n in (8, 9)]
    assert [each.mixture for each in at] == [(1.0, 0.0), (0.0, 1.0)]
    late = FrameControl(STYLES, Clock(start), parse_style("0s:red hold 0.3757s:blue"), 1.0)
    assert late.at(frame(9, rate, start), frame(8, rate, start)).mixture == (0.0, 1.0)


def test_frame_numbers_of_a_sequence_are_those_of_its_files():
    clock = Clock(numbers=tuple(range(1001, 1031)))
    found = controlled(parse_style("1005f:red hold 1010f:blue"), clock=clock)
    assert [each.mixture[0] for each in found] == [1.0] * 9 + [0.0] * 21


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "5s:candy 2s:wave",
            "2s comes after 5s in a timeline; give its entries in order, such as",
        ),
        ("0s:candy 5f:wave", "0s and 5f are in one timeline; give all positions as times"),
        ("0s:candy 5s:wave 5s:udnie 5s:la-muse", "three entries of a timeline are at 5s"),
        ("0s:candy 5:wave", "has the entry '5:wave'; expected POSITION:VALUE"),
        ("0s:candy 5s", "has the entry '5s'; expected POSITION:VALUE"),
        ("0s candy", "has the entry '0s'; expected POSITION:VALUE"),
        ("0s:candy hold hold 5s:wave", "has the entry 'hold'"),
        ("0s:candy:0 5s:wave", "style 'candy:0' cannot be read"),
        ("0s:none 5s:none", "has no style but 'none'; name one, or give --style none"),
        ("none:1", "has no style but 'none'"),
        ("0s:candy " + "1s:wave " * 10_001, "expected 1 to 10000"),
    ],
)
def test_an_invalid_style_timeline_gets_one_line_with_the_right_form(text, message):
    with pytest.raises(UsageError) as found:
        RenderSettings(style=text)
    assert message in str(found.value)
    assert "\n" not in str(found.value)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("0s:0 2s:1.5", "strength is 1.5; expected 0 (the clip) to 1 (the stylization)"),
        (
            "0s:0 2s:much",
            "strength is 'much'; expected a number from 0 to 1, or a timeline such",
        ),
        ("much", "strength is 'much'"),
        ("nan", "strength is 'nan'"),
        ("2s:0 1s:1", "1s comes after 2s in a timeline; give its entries in order, such as 0s:0 2s:1"),
        (float("inf"), "strength is inf"),
    ],
)
def test_an_invalid_strength_gets_one_line_with_the_right_form(value, message):
    with pytest.raises(UsageError) as found:
        RenderSettings(style="candy", strength=value)
    assert message in str(found.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"style": []}', "a timeline has 0 entries"),
        ('{"stile": []}', "has the key 'stile': did you mean 'style'?"),
        ('{"strength": []}', "has no list 'style'"),
        ('{"style": [{"at": "0s"}]}', 'expected {"at": "5s", "value": ...}'),
        ('{"style": [{"at": "0s", "value": "candy", "held": true}]}', "did you mean 'hold'?"),
        ('{"style": [{"at": "0s", "value": "candy", "hold": 1}]}', 'and "hold": true'),
        ('{"style": [{"at": NaN, "value": "candy"}]}', "at is nan; expected seconds"),
        ('{"style": [{"at": "soon", "value": "candy"}]}', "at is 'soon'"),
        ('{"style": [7]}', "an entry is 7"),
        ("{", "is not JSON"),
        (" " * (1 << 20) + "{}", "has more than 1 MB"),
    ],
)
def test_a_damaged_file_gets_one_line(tmp_path, content, message):
    path = tmp_path / "time.json"
    path.write_text(content)
    with pytest.raises(UsageError) as found:
        RenderSettings(style=str(path))
    assert message in str(found.value)
    assert str(path) in str(found.value)
    assert "\n" not in str(found.value)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(UsageError, match="is not a file; expected a file such as"):
        RenderSettings(style=str(tmp_path / "gone.json"))
    with pytest.raises(UsageError, match="is not a file"):
        RenderSettings(style="candy", strength=str(tmp_path / "gone.json"))


def test_a_number_too_large_for_a_float_is_out_of_range(tmp_path):
    path = tmp_path / "time.json"
    path.write_text(json.dumps({"strength": [{"at": 0, "value": 10**400}]}))
    with pytest.raises(UsageError, match="strength is '1000"):
        RenderSettings(style="candy", strength=str(path))


def test_a_style_for_each_shot_stands_in_place_of_a_style():
    settings = RenderSettings(style_per_shot=("candy", "none", "wave"))
    assert settings.style_per_shot == "candy,none,wave"
    assert settings.styles.names == ("candy", "wave")
    for given, message in (
        ({"style": "candy", "style_per_shot": "wave"}, "style and style_per_shot were both given"),
        ({}, "no style given"),
        ({"style_per_shot": "candy,,wave"}, "--style-per-shot has an empty entry"),
        ({"style_per_shot": "none"}, "--style-per-shot has no style but 'none'"),
    ):
        with pytest.raises(UsageError, match=message):
            RenderSettings(**given)


def test_keep_color_is_the_colour_keep_and_contradicts_others():
    assert RenderSettings(style="candy", keep_color=True).chosen_colour == "keep"
    with pytest.raises(UsageError, match="keep color and colour match were both given"):
        RenderSettings(style="candy", keep_color=True, colour="match")


def test_strength_timelines_of_the_library_are_checked():
    with pytest.raises(UsageError, match="strength is 2; expected 0"):
        RenderSettings(style="candy", strength=StrengthTimeline.of(("0s", 2)))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"style": "0s:red 5s:blue"}, "mode gatys takes one style for the whole clip"),
        ({"style_per_shot": "red,blue"}, "mode gatys takes one style for the whole clip"),
        ({"style": "red", "colour": "luminance"}, "colour luminance is for networks"),
    ],
)
def test_modes_without_a_network_have_one_style_for_the_whole_clip(options, message):
    from vst.pipeline.optimisation import resolve

    with pytest.raises(UsageError, match=message):
        resolve(RenderSettings(mode="gatys", **options))
