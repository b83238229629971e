"""Plugins are installed, checked and removed."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from vst.errors import VstError
from vst.host import plugin_build
from vst.host.plugin_build import build
from vst.host.plugin_check import BROKEN, OK, check
from vst.host.plugin_install import (
    PluginFolders,
    binary_in,
    configuration_in,
    install,
    read_configuration,
    uninstall,
)


@pytest.fixture
def folders(tmp_path: Path) -> PluginFolders:
    return PluginFolders(tmp_path / "ofx", tmp_path / "frei0r")


@pytest.fixture
def weights(tiny_weights: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("VST_WEIGHTS", str(tiny_weights))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return tiny_weights


def test_the_bundle_has_the_layout_of_the_specification(folders, built, weights):
    install(folders, built)
    contents = folders.bundle / "Contents"
    assert binary_in(folders.bundle).parent.parent == contents
    assert binary_in(folders.bundle).parent.name in ("Linux-x86-64", "Linux-aarch64")
    assert (contents / "Resources" / "vst.conf").is_file()
    values = dict(read_configuration(configuration_in(folders.bundle)))
    assert values["python"] == sys.executable
    assert (Path(values["package"]) / "vst" / "host" / "worker.py").is_file()


def test_a_new_style_is_appended_so_that_projects_keep_theirs(folders, built, weights):
    install(folders, built)
    path = configuration_in(folders.bundle)
    text = path.read_text()
    assert "style=red" in text
    path.write_text(
        "".join(f"{line}\n" for line in text.splitlines() if line != "style=blue") + "style=zebra\n"
    )
    before = [value for name, value in read_configuration(path) if name == "style"]
    install(folders, built)
    after = [value for name, value in read_configuration(path) if name == "style"]
    assert after[: len(before)] == before
    assert "blue" in after[len(before) :]


def test_kdenlive_lists_styles_and_modes(folders, built, weights, tmp_path):
    folders = replace(folders, kdenlive=tmp_path / "effects")
    install(folders, built)
    (described,) = (tmp_path / "effects").iterdir()
    effect = ElementTree.parse(described).getroot()
    assert effect.get("tag") == "frei0r.vst_frei0r"
    lists = {each.get("name"): each.get("paramlist") for each in effect.iter("parameter")}
    assert {"red", "blue"} <= set(lists["style"].split(";"))
    assert lists["mode"].startswith("vtn;itn")
    (interval,) = (each for each in effect.iter("parameter") if each.get("name") == "keyframe_interval")
    assert {name: interval.get(name) for name in ("default", "max", "factor", "decimals")} == {
        "default": "0", "max": "16", "factor": "16", "decimals": "0"
    }  # fmt: skip
    assert interval.findtext("name") == "Keyframe interval (0 chooses)"
    assert described in uninstall(folders)


def test_install_names_every_file_that_it_writes(folders, built, weights, tmp_path):
    folders = replace(folders, kdenlive=tmp_path / "effects")
    installed = install(folders, built)
    roots = (folders.ofx, folders.frei0r, tmp_path / "effects")
    assert sorted(installed) == sorted(each for root in roots for each in root.rglob("*") if each.is_file())
    assert len(installed) >= 5
    again = install(folders, built)
    assert again == installed


def test_uninstall_removes_everything(folders, built, weights):
    install(folders, built)
    assert len(uninstall(folders)) == 3
    assert list(folders.ofx.iterdir()) == []
    assert list(folders.frei0r.iterdir()) == []
    assert uninstall(folders) == []


def test_check_renders_a_frame_and_finds_what_is_broken(folders, built, weights, monkeypatch, runtime):
    monkeypatch.setattr("vst.host.plugin_check.find_or_build", lambda: built)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    monkeypatch.setenv("OFX_PLUGIN_PATH", str(folders.ofx))
    install(folders, built)
    assert {each.check for each in check(folders) if each.state == OK} >= {
        "found by hosts",
        "loads",
        "renders",
    }
    configuration = configuration_in(folders.bundle)
    configuration.write_text(configuration.read_text().replace(sys.executable, "/nowhere/python"))
    broken = {each.check: each.value for each in check(folders) if each.state == BROKEN}
    assert "vst plugin install" in broken["Python"]
    binary_in(folders.bundle).write_bytes(b"no library")
    assert "loads" in {each.check for each in check(folders) if each.state == BROKEN}
    binary_in(folders.bundle).unlink()
    assert [each.check for each in check(folders) if each.state == BROKEN] == ["layout"]
    uninstall(folders)
    assert next(each for each in check(folders) if each.state == BROKEN).check == "OpenFX bundle"


def test_without_a_compiler_the_message_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setattr(plugin_build, "find_compiler", lambda: None)
    with pytest.raises(VstError, match="install gcc or clang"):
        build(tmp_path)


def test_a_compiler_that_fails_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(plugin_build, "find_compiler", lambda: "/bin/false")
    with pytest.raises(VstError, match="/bin/false cannot compile"):
        build(tmp_path)
    assert not list(tmp_path.glob("*.ofx"))


def test_a_folder_that_cannot_be_written_is_named(built, weights, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(VstError, match="cannot write"):
        install(PluginFolders(tmp_path / "file" / "ofx", tmp_path / "frei0r"), built)
