"""`vst styles --sheet`, and a user's own styles in the lists."""

from __future__ import annotations

import importlib
import json
import shutil

import numpy as np
import pytest
from PIL import Image

from vst.modes import load_network, save_weights
from vst.modes.itn.network import ITN
from vst.nn.style_parameters import select_styles
from vst.styles import read_info, record_style


@pytest.fixture(autouse=True)
def only_these_folders(monkeypatch, tmp_path):
    monkeypatch.setattr(
        "vst.styles.catalog.weight_folders",
        lambda given=None: [folder for folder in (given, tmp_path / "home" / "weights") if folder],
    )


@pytest.fixture
def mine(weights, tmp_path):
    """A user's weights folder with a style that was added to the network of `itn-tiny.safetensors`."""
    folder = tmp_path / "home" / "weights"
    folder.mkdir(parents=True)
    network, _ = load_network(weights / "itn-tiny.safetensors")
    select_styles(network, [None])
    file = folder / "mine-itn.safetensors"
    save_weights(file, network, mode="itn", styles=("mine",), loss_network="none", recipe="none", steps=0)
    Image.new("RGB", (120, 90), (255, 0, 0)).save(folder / "mine.png")
    record_style(folder, "mine", file.name, title="Mine", artist="I", thumbnail="mine.png")
    return folder


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "photo.png"
    Image.new("RGB", (64, 48), (0, 0, 255)).save(path)
    return path


def test_a_style_that_the_user_added_is_listed(vst, weights, mine):
    outcome = vst("styles", "--weights-dir", weights, "--json")
    listed = {entry["name"]: entry for entry in map(json.loads, outcome.out.splitlines())}
    assert set(listed) == {"candy", "mine", "wave"}
    assert (listed["mine"]["title"], listed["mine"]["modes"]) == ("Mine", ["itn"])


def test_files_that_can_be_blended_are_listed_with_the_same_body(vst, weights, mine):
    outcome = vst("weights", "list", "--weights-dir", weights, "--json")
    bodies = {entry["file"]: entry["body"] for entry in map(json.loads, outcome.out.splitlines())}
    assert bodies["mine-itn.safetensors"] == bodies["itn-tiny.safetensors"]
    assert bodies["mine-itn.safetensors"] != bodies["vtn-tiny.safetensors"]
    assert read_info(mine / "mine-itn.safetensors").body[:8] in vst("weights", "list").out
    assert vst("weights", "verify", "--weights-dir", weights).code == 0


def test_the_sheet_shows_the_thumbnails(vst, weights, mine, tmp_path):
    sheet = tmp_path / "sheet.png"
    outcome = vst("styles", "--weights-dir", weights, "--sheet", sheet)
    assert outcome.code == 0, outcome.err
    assert outcome.out == f"{sheet}: 3 styles\n"
    assert (np.asarray(Image.open(sheet)) == (255, 0, 0)).all(2).any()


def test_the_sheet_is_an_event_in_json(vst, mine, tmp_path):
    outcome = vst("styles", "--sheet", tmp_path / "sheet.jpg", "--json")
    assert [json.loads(line) for line in outcome.out.splitlines()] == [
        {"event": "done", "output": str(tmp_path / "sheet.jpg"), "styles": 1}
    ]


def test_a_damaged_thumbnail_is_a_warning(vst, mine, tmp_path):
    (mine / "mine.png").write_bytes(b"nonsense")
    outcome = vst("styles", "--sheet", tmp_path / "sheet.png")
    assert outcome.code == 0
    assert "warning: " in outcome.err
    assert "mine.png is not a picture" in outcome.err


def test_the_photo_comes_first_then_every_style_of_it(vst, weights, mine, photo, tmp_path, monkeypatch):
    asked = []

    def fake(image, style, *, mode, weights_dir):
        asked.append((tuple(image.shape), style, mode))
        return 1 - image

    monkeypatch.setattr(importlib.import_module("vst.pipeline"), "stylize", fake)
    (tmp_path / "vtn").mkdir()
    shutil.copy(weights / "vtn-tiny.safetensors", tmp_path / "vtn")
    for folder, mode in ((weights, "itn"), (tmp_path / "vtn", "vtn")):
        asked.clear()
        sheet = tmp_path / f"{mode}.png"
        assert vst("styles", "--weights-dir", folder, "--sheet", sheet, "--photo", photo).code == 0
        assert asked == [
            ((3, 48, 64), "candy", mode),
            ((3, 48, 64), "mine", "itn"),
            ((3, 48, 64), "wave", mode),
        ]
        pixels = np.asarray(Image.open(sheet))
        original, stylized = ((pixels == colour).all(2) for colour in ((0, 0, 255), (255, 255, 0)))
        assert np.argwhere(original)[0].tolist() < np.argwhere(stylized)[0].tolist()
        assert stylized.sum() == 3 * original.sum()


def test_the_photo_is_stylized(vst, mine, photo, tmp_path):
    sheet = tmp_path / "sheet.png"
    assert vst("styles", "--sheet", sheet, "--photo", photo).code == 0
    pixels = np.asarray(Image.open(sheet))
    cell = (pixels == (0, 0, 255)).all(2)
    assert cell.any()
    assert not (pixels == (255, 0, 0)).all(2).any()


def test_a_large_photo_is_reduced_before_it_is_stylized(vst, mine, tmp_path, monkeypatch):
    shapes = []
    monkeypatch.setattr(
        importlib.import_module("vst.pipeline"),
        "stylize",
        lambda image, *_, **__: shapes.append(image.shape) or image,
    )
    Image.new("RGB", (1280, 4)).save(tmp_path / "large.png")
    outcome = vst("styles", "--sheet", tmp_path / "sheet.png", "--photo", tmp_path / "large.png")
    assert outcome.code == 0, outcome.err
    assert shapes == [(3, 2, 640)]


def test_a_style_that_fails_keeps_its_cell_with_a_warning(vst, weights, mine, photo, tmp_path):
    record_style(mine, "mine", "mine-itn.safetensors")
    save_weights(
        mine / "mine-itn.safetensors",
        ITN(2),
        mode="itn",
        styles=("mine",),
        loss_network="none",
        recipe="none",
        steps=1,
    )
    outcome = vst("styles", "--sheet", tmp_path / "sheet.png", "--photo", photo)
    assert outcome.code == 0, outcome.err
    assert "hash differs" in outcome.err


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--sheet", "{here}/there.png"], 1, "exists already: pass -y"),
        (["--sheet", "{here}/none/s.png"], 1, "does not exist: make it first"),
        (["--sheet", "{here}/s.gif"], 2, "ends in .png or .jpg"),
        (["--sheet", "{here}/s.png", "--photo", "{here}/photo.pgn"], 1, "did you mean"),
        (["--sheet", "{here}/s.png", "--photo", "{here}/there.png"], 1, "is not a picture"),
        (["--photo", "{here}/photo.png"], 2, "give --sheet FILE"),
        (["-y"], 2, "give --sheet FILE"),
    ],
)
def test_invalid_options_are_one_line(vst, mine, photo, tmp_path, arguments, code, message):
    (tmp_path / "there.png").write_bytes(b"kept")
    outcome = vst("styles", *(argument.replace("{here}", str(tmp_path)) for argument in arguments))
    assert outcome.code == code
    assert message in outcome.err
    assert outcome.err.count("\n") == 1
    assert (tmp_path / "there.png").read_bytes() == b"kept"
    assert not (tmp_path / "s.png").exists()


def test_an_existing_sheet_is_replaced_only_with_overwrite(vst, mine, tmp_path):
    sheet = tmp_path / "sheet.png"
    sheet.write_bytes(b"old")
    assert vst("styles", "--sheet", sheet, "-y").code == 0
    Image.open(sheet).load()


def test_without_styles_there_is_no_sheet(vst, tmp_path):
    outcome = vst("styles", "--sheet", tmp_path / "sheet.png")
    assert outcome.code == 1
    assert "no weights in" in outcome.err
    assert not (tmp_path / "sheet.png").exists()
