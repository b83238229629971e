"""Settings of single files: clip.mov.vst.json beside clip.mov."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from vst.batch import FileState, Watcher, run
from vst.batch.left_out import LeftOut, Reason
from vst.batch.search import search
from vst.pipeline import RenderSettings

SETTINGS = RenderSettings(style="candy", keep_color=True)


@pytest.fixture
def sidecar(footage):
    """Writes the sidecar of a/one.mov, and says where it is."""

    def write(content: object) -> Path:
        path = footage / "a/one.mov.vst.json"
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path

    return write


def settings_of(fake_render, name: str) -> RenderSettings:
    return next(settings for source, settings in fake_render.calls if source.name == name)


def message_of(results, name: str) -> str:
    found = next(each for each in results if each.file.name == name)
    assert found.state is FileState.FAILED
    return found.message


def test_a_sidecar_takes_precedence_for_its_file_alone(footage, tmp_path, fake_render, sidecar):
    sidecar({"style": "0s:candy 5s:wave", "strength": "0s:0 2s:1", "colour": "match", "hold": 2})
    run(footage, tmp_path / "out", SETTINGS)
    own = settings_of(fake_render, "one.mov")
    assert (str(own.style), str(own.strength)) == ("0s:candy 5s:wave", "0s:0 2s:1")
    assert (own.chosen_colour, own.hold) == ("match", 2)
    assert settings_of(fake_render, "two.MP4") == SETTINGS


def test_a_style_for_each_shot_replaces_the_style_of_the_batch(footage, tmp_path, fake_render, sidecar):
    sidecar({"style-per-shot": "candy,wave"})
    run(footage, tmp_path / "out", SETTINGS)
    assert settings_of(fake_render, "one.mov").style_change == ("candy", "wave")


def test_a_file_whose_sidecar_changes_is_out_of_date(footage, tmp_path, fake_render, sidecar):
    sidecar({"strength": 0.5})
    run(footage, tmp_path / "out", SETTINGS)
    results = run(footage, tmp_path / "out", SETTINGS)
    assert {each.state for each in results} == {FileState.SKIPPED}
    sidecar({"strength": 0.6})
    results = run(footage, tmp_path / "out", SETTINGS)
    assert "-y replaces it" in message_of(results, "a/one.mov")


def test_a_timeline_file_is_found_beside_the_sidecar_and_its_content_counts(
    footage, tmp_path, fake_render, sidecar
):
    (footage / "a/control").mkdir()
    control = footage / "a/control/time.json"
    control.write_text(
        json.dumps({"style": [{"at": "0s", "value": "candy"}, {"at": "2s", "value": "wave"}]})
    )
    sidecar({"style": "control/time.json"})
    run(footage, tmp_path / "out", SETTINGS)
    assert str(settings_of(fake_render, "one.mov").style) == "0s:candy 2s:wave"
    control.write_text(json.dumps({"style": [{"at": "0s", "value": "wave"}]}))
    results = run(footage, tmp_path / "out", SETTINGS)
    assert "-y replaces it" in message_of(results, "a/one.mov")


@pytest.mark.parametrize("name", ["../outside.json", "/etc/outside.json", "link/outside.json"])
@pytest.mark.parametrize("option", ["style", "strength"])
def test_a_sidecar_names_only_files_below_its_folder(footage, tmp_path, fake_render, sidecar, name, option):
    (footage / "outside.json").write_text("{}")
    os.symlink(footage, footage / "a/link")
    sidecar({option: name})
    results = run(footage, tmp_path / "out", SETTINGS)
    assert f"{option} names '{name}'; expected a file below" in message_of(results, "a/one.mov")


def test_recorded_flow_of_a_sidecar_is_below_its_folder(footage, tmp_path, fake_render, sidecar):
    sidecar({"flow": "file:../flow"})
    assert "flow names '../flow'" in message_of(run(footage, tmp_path / "out", SETTINGS), "a/one.mov")
    sidecar({"flow": "file:flow"})
    run(footage, tmp_path / "out", SETTINGS)
    assert settings_of(fake_render, "one.mov").flow == f"file:{os.path.realpath(footage / 'a/flow')}"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "is not JSON"),
        ("[1]", "holds no JSON object"),
        ("[" * 100_000, "is not JSON"),
        ({"stile": "candy"}, "'stile' is no option of a sidecar: did you mean 'style'?"),
        ({"weights_dir": "/tmp"}, "'weights_dir' is no option of a sidecar"),
        ({"strength": 2}, "strength is 2; expected 0"),
        ({"strength": [1]}, "strength is '[1]'; expected a text"),
        ({"strength": True}, "strength is 'True'; expected a text or number"),
        ({"hold": 1.5}, "hold is '1.5'; expected a whole number"),
        ('{"hold": NaN}', "hold is 'nan'; expected a whole number"),
        ('{"strength": 1e999}', "strength is inf; expected 0"),
        ({"keyframe_interval": 2.5}, "'2.5' is not auto or a number of frames"),
        ({"style": "a\0.json"}, "which is no path"),
        ({"steadiness": "1"}, "steadiness is '1'; expected a number"),
        ({"keep_color": 1}, "keep_color is '1'; expected true or false"),
        ({"style": 3}, "style is '3'; expected a text"),
        ({"style": "5s:candy 2s:wave"}, "2s comes after 5s"),
        ({"colour": "mach"}, "colour is 'mach': did you mean 'match'?"),
        ({"mode": None}, "mode is 'None'; expected a text"),
    ],
)
def test_an_invalid_sidecar_fails_its_file_with_one_line(
    footage, tmp_path, fake_render, sidecar, content, message
):
    sidecar(content)
    results = run(footage, tmp_path / "out", SETTINGS)
    found = message_of(results, "a/one.mov")
    assert message in found
    assert "one.mov.vst.json" in found
    assert "\n" not in found
    assert fake_render.names == ["two.MP4", "photo.jpg"]


def test_a_sidecar_is_no_text_and_one_without_its_file_is_named(footage, tmp_path, sidecar):
    sidecar({})
    (footage / "a/gone.mov.vst.json").write_text("{}")
    reasons = {each.name: each.reason for each in search(footage, tmp_path / "out").left_out}
    assert reasons["a/one.mov.vst.json"] is Reason.SIDECAR
    assert reasons["a/gone.mov.vst.json"] is Reason.LONE_SIDECAR


def test_a_sidecar_has_masks_below_its_folder(footage, tmp_path, fake_render, sidecar):
    mask = footage / "a/mask.txt"
    mask.write_text("not read here")
    sidecar({"mask": "mask.txt,feather=2", "regions": ["mask.txt=wave", "alpha=none"], "outside": "none"})
    run(footage, tmp_path / "out", SETTINGS)
    own = settings_of(fake_render, "one.mov")
    assert str(own.mask) == f"{os.path.realpath(mask)},feather=2"
    assert [str(each) for each in own.regions] == [f"{os.path.realpath(mask)}=wave", "alpha=none"]


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ({"mask": "../mask.png"}, "expected a file below the folder of the sidecar"),
        ({"mask": "/etc/passwd"}, "expected a file below the folder of the sidecar"),
        ({"regions": ["/etc/passwd=wave"]}, "expected a file below the folder of the sidecar"),
        ({"regions": "a.png=wave"}, "expected a list such as"),
        ({"mask": 5}, "expected a text such as"),
        ({"regions": ["a.png"]}, "expected FILE=STYLE"),
    ],
)
def test_masks_of_a_sidecar_that_mean_nothing_are_refused(
    content, text, footage, tmp_path, fake_render, sidecar
):
    sidecar(content)
    results = run(footage, tmp_path / "out", SETTINGS)
    assert text in message_of(results, "a/one.mov")


@pytest.mark.parametrize("key", ["hold", "style_scale", "steadiness", "strength", "style"])
def test_a_number_with_hundreds_of_digits_is_refused(footage, tmp_path, fake_render, sidecar, key):
    sidecar({key: 10**400})
    results = run(footage, tmp_path / "out", SETTINGS)
    assert "expected a" in message_of(results, "a/one.mov")
    assert sorted(fake_render.names) == ["photo.jpg", "two.MP4"]


def test_a_file_whose_mask_changes_is_out_of_date(footage, tmp_path, fake_render, sidecar):
    mask = footage / "a/mask.txt"
    mask.write_text("one")
    sidecar({"mask": "mask.txt"})
    run(footage, tmp_path / "out", SETTINGS)
    assert {each.state for each in run(footage, tmp_path / "out", SETTINGS)} == {FileState.SKIPPED}
    mask.write_text("another")
    assert "-y replaces it" in message_of(run(footage, tmp_path / "out", SETTINGS), "a/one.mov")


def test_what_is_the_mask_of_a_clip_is_not_rendered(footage, tmp_path, fake_render, sidecar):
    for name in ("a/mask.png", "a/deep/m_001.png", "a/deep/m_002.png", "a/deep/other.png"):
        (footage / name).write_text(name)
    sidecar({"mask": "mask.png,feather=2", "regions": ["deep/m_%03d.png=wave", "one.mov=none"]})
    watcher, left = Watcher(), list[LeftOut]()
    watcher.left_out = left.extend
    run(footage, tmp_path / "out", SETTINGS, watcher=watcher)
    assert sorted(fake_render.names) == ["one.mov", "other.png", "photo.jpg", "two.MP4"]
    masks = {each.name for each in left if each.reason is Reason.MASK}
    assert masks == {"a/mask.png", "a/deep/m_001.png", "a/deep/m_002.png"}


def test_a_painting_among_the_clips_is_not_rendered(footage, tmp_path, fake_render):
    for name in ("painting.png", "a/sky.png", "a/other.png"):
        (footage / name).write_text(name)
    style = f"{footage / 'painting.png'}@{footage / 'a/sky.png'}"
    watcher, left = Watcher(), list[LeftOut]()
    watcher.left_out = left.extend
    run(footage, tmp_path / "out", RenderSettings(style=style, mode="gatys"), watcher=watcher)
    assert sorted(fake_render.names) == ["one.mov", "other.png", "photo.jpg", "two.MP4"]
    assert {each.name for each in left if each.reason is Reason.STYLE} == {"painting.png", "a/sky.png"}


def test_paintings_of_a_sidecar_and_of_regions_are_not_rendered(footage, tmp_path, fake_render, sidecar):
    for name in ("a/p.png", "a/q.png", "a/m.png"):
        (footage / name).write_text(name)
    sidecar({"mode": "gatys", "style": "p.png", "regions": ["m.png=q.png"]})
    run(footage, tmp_path / "out", SETTINGS)
    assert sorted(fake_render.names) == ["one.mov", "photo.jpg", "two.MP4"]


def test_a_mask_of_all_clips_is_not_rendered(footage, tmp_path, fake_render):
    (footage / "mask.png").write_text("mask")
    run(footage, tmp_path / "out", RenderSettings(style="candy", mask=str(footage / "mask.png")))
    assert sorted(fake_render.names) == ["one.mov", "photo.jpg", "two.MP4"]


@pytest.mark.parametrize("style", ["../p.jpg", "p.jpg@../m.png", "candy:0.5+/p.jpg:0.5", 'file:"/p"'])
@pytest.mark.parametrize("option", ["style", "elsewhere", "regions"])
def test_pictures_of_a_sidecar_are_below_its_folder(footage, tmp_path, fake_render, sidecar, style, option):
    value = [f"m.png={style}"] if option == "regions" else style
    sidecar({"regions": ["m.png=wave"]} | {option: value})
    results = run(footage, tmp_path / "out", SETTINGS)
    assert "expected a file below the folder of the sidecar" in message_of(results, "a/one.mov")


def test_a_sidecar_has_pictures_and_masks_of_paintings(footage, tmp_path, fake_render, sidecar):
    sidecar({"mode": "gatys", "style": "p.jpg", "regions": ["m.png=q.jpg@sky.png"]})
    run(footage, tmp_path / "out", SETTINGS)
    own, folder = settings_of(fake_render, "one.mov"), footage / "a"
    assert own.style == f'file:"{folder}/p.jpg":1.0'
    assert own.regions[0].style == f'file:"{folder}/q.jpg@{folder}/sky.png":1.0'
