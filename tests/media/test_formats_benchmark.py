"""The formats benchmark compares the properties of each output with those of its input."""

from __future__ import annotations

from fractions import Fraction

import pytest
from clips import Sound, make_clip


@pytest.fixture
def examined(tmp_path_factory):
    from benchmarks.formats import examine

    def run(source, **options):
        return examine("it", source, tmp_path_factory.mktemp("work"), **options)

    return run


def test_equal_properties_are_listed_as_kept(tmp_path, examined):
    clip = make_clip(
        tmp_path / "c.mp4",
        times=[Fraction(n, 25) for n in (0, 1, 4, 5, 9)],
        sound=[Sound()],
        colour=(1, 1, 1),
        full_range=False,
        sample_aspect=Fraction(4, 3),
    )
    outcome = examined(clip)
    assert outcome.kept == (
        "size, pixel aspect 4/3, times (variable), colour matrix and range, 8 bits, 1 of 1 sound"
    )
    assert (outcome.notes, outcome.refused) == ("", "")


def test_unequal_properties_are_not_listed_as_kept_and_noted(tmp_path, examined):
    clip = make_clip(tmp_path / "c.mp4", width=80, height=72, colour=(9, 9, 16))
    outcome = examined(clip)
    assert "colour" not in outcome.kept
    assert "tone-mapped" in outcome.notes
    assert "colour matrix and range" in examined(clip, hdr="keep").kept


def test_a_refused_file_is_listed_with_its_error(tmp_path, examined):
    from benchmarks.formats import table

    (tmp_path / "text.mp4").write_text("no video" * 40)
    outcome = examined(tmp_path / "text.mp4")
    assert outcome.refused.startswith("text.mp4 is not a media file")
    assert list(table([outcome]))[-1] == f"| it | {outcome.refused} |"
