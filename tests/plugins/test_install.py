"""Plugins installed, checked as a host sees them, and removed."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from vst.errors import VstError
from vst.host import build as building
from vst.host.build import build
from vst.host.check import BROKEN, OK, check
from vst.host.install import Places, binary_in, configuration_in, install, read_configuration, uninstall


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(tmp_path / "ofx", tmp_path / "frei0r")


@pytest.fixture
def weights(tiny_weights: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("VST_WEIGHTS", str(tiny_weights))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return tiny_weights


def test_the_bundle_is_laid_out_as_hosts_look_for_it(places, built, weights):
    installed = install(places, built)
    assert installed == [places.ofx / "vst.ofx.bundle", places.frei0r / "vst_frei0r.so"]
    contents = places.bundle / "Contents"
    assert binary_in(places.bundle).parent.parent == contents
    assert binary_in(places.bundle).parent.name in ("Linux-x86-64", "Linux-aarch64")
    assert (contents / "Resources" / "vst.conf").is_file()
    values = dict(read_configuration(configuration_in(places.bundle)))
    assert values["python"] == sys.executable
    assert (Path(values["package"]) / "vst" / "host" / "worker.py").is_file()


def test_a_new_style_comes_last_so_that_projects_keep_theirs(places, built, weights):
    install(places, built)
    path = configuration_in(places.bundle)
    text = path.read_text()
    assert "style=red" in text
    path.write_text(
        "".join(f"{line}\n" for line in text.splitlines() if line != "style=blue") + "style=zebra\n"
    )
    before = [value for name, value in read_configuration(path) if name == "style"]
    install(places, built)
    after = [value for name, value in read_configuration(path) if name == "style"]
    assert after[: len(before)] == before
    assert "blue" in after[len(before) :]


def test_kdenlive_has_lists_of_the_styles_and_modes(places, built, weights, tmp_path):
    places = replace(places, kdenlive=tmp_path / "effects")
    install(places, built)
    (described,) = (tmp_path / "effects").iterdir()
    effect = ElementTree.parse(described).getroot()
    assert effect.get("tag") == "frei0r.vst_frei0r"
    lists = {each.get("name"): each.get("paramlist") for each in effect.iter("parameter")}
    assert {"red", "blue"} <= set(lists["style"].split(";"))
    assert lists["mode"].startswith("vtn;itn")
    assert described in uninstall(places)


def test_uninstall_leaves_nothing(places, built, weights):
    install(places, built)
    assert len(uninstall(places)) == 3
    assert list(places.ofx.iterdir()) == []
    assert list(places.frei0r.iterdir()) == []
    assert uninstall(places) == []


def test_check_paints_a_frame_and_finds_what_is_wrong(places, built, weights, monkeypatch, runtime):
    monkeypatch.setattr("vst.host.check.find_or_build", lambda: built)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    monkeypatch.setenv("OFX_PLUGIN_PATH", str(places.ofx))
    install(places, built)
    assert {each.check for each in check(places) if each.state == OK} >= {
        "found by hosts",
        "loads",
        "paints",
    }
    configuration = configuration_in(places.bundle)
    configuration.write_text(configuration.read_text().replace(sys.executable, "/nowhere/python"))
    broken = {each.check: each.value for each in check(places) if each.state == BROKEN}
    assert "vst plugin install" in broken["Python"]
    binary_in(places.bundle).write_bytes(b"no library")
    assert "loads" in {each.check for each in check(places) if each.state == BROKEN}
    binary_in(places.bundle).unlink()
    assert [each.check for each in check(places) if each.state == BROKEN] == ["layout"]
    uninstall(places)
    assert next(each for each in check(places) if each.state == BROKEN).check == "OpenFX bundle"


def test_without_a_compiler_the_message_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setattr(building, "find_compiler", lambda: None)
    with pytest.raises(VstError, match="install gcc or clang"):
        build(tmp_path)


def test_a_compiler_that_refuses_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(building, "find_compiler", lambda: "/bin/false")
    with pytest.raises(VstError, match="/bin/false cannot compile"):
        build(tmp_path)
    assert not list(tmp_path.glob("*.ofx"))


def test_a_folder_that_cannot_be_written_is_named(built, weights, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(VstError, match="cannot write"):
        install(Places(tmp_path / "file" / "ofx", tmp_path / "frei0r"), built)
