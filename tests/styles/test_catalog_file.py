import datetime
import os
import tomllib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vst.errors import WeightsError
from vst.files import file_digest
from vst.modes import save_weights, verify_weights
from vst.modes.itn.network import ITN
from vst.styles import load_catalogue, record_style
from vst.styles.catalog_file import CATALOG, _table, read_catalog_file

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
VALUES = st.recursive(
    TEXT
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.datetimes(timezones=st.none() | st.just(datetime.UTC))
    | st.dates()
    | st.times(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    save_weights(
        tmp_path / "mine.safetensors",
        ITN(2),
        mode="itn",
        styles=("mine",),
        loss_network="",
        recipe="",
        steps=0,
    )
    monkeypatch.setattr("vst.styles.catalog.weight_folders", lambda given=None: [tmp_path])
    return tmp_path


@settings(deadline=None, max_examples=60)
@given(st.dictionaries(TEXT, VALUES, max_size=4))
def test_any_table_is_written_as_what_it_means(table):
    assert tomllib.loads("\n".join(_table(table, ()))) == table


def test_a_new_style_is_described_where_there_was_no_catalogue(folder):
    (folder / "mine.jpg").touch()
    record_style(folder, "mine", "mine.safetensors", title="Mine", artist="I", thumbnail="mine.jpg")
    assert read_catalog_file(folder) == {
        "styles": {"mine": {"title": "Mine", "artist": "I", "thumbnail": "mine.jpg"}},
        "files": {"mine.safetensors": {"sha256": file_digest(folder / "mine.safetensors")}},
    }
    catalogue = load_catalogue()
    assert verify_weights(catalogue) == []
    style = catalogue.styles["mine"]
    assert (style.title, style.artist, style.thumbnail) == ("Mine", "I", str(folder / "mine.jpg"))
    assert sorted(file.name for file in folder.iterdir()) == [CATALOG, "mine.jpg", "mine.safetensors"]


def test_an_entry_is_replaced_and_all_others_keep_their_meaning(folder):
    (folder / CATALOG).write_bytes(
        b'# My own styles.\r\n# Mind the hash.\r\n\r\nowner = "me"\r\n'
        b'styles.mine = {title = "Old", year = "1900"}\r\n'
        b'[styles."a b"]\r\ntitle = """\r\ntwo\r\nlines [files]"""\r\nodd = [1, {x = 1979-05-27}]\r\n'
        b'[files."other.safetensors"]\r\nsha256 = "00"\r\nsize = 0x10\r\n'
    )
    before = read_catalog_file(folder)
    record_style(folder, "mine", "mine.safetensors", title="New")
    after = read_catalog_file(folder)
    assert after["styles"].pop("mine") == {"title": "New"}
    assert after["files"].pop("mine.safetensors") == {"sha256": file_digest(folder / "mine.safetensors")}
    before["styles"].pop("mine")
    assert after == before
    assert (folder / CATALOG).read_text().startswith("# My own styles.\n# Mind the hash.\n\nowner = ")


def test_a_style_in_the_public_domain_is_marked(folder):
    for free in (True, False):
        record_style(folder, "mine", "mine.safetensors", public_domain=free)
        assert read_catalog_file(folder)["styles"]["mine"] == ({"public_domain": True} if free else {})
        assert load_catalogue(folder).styles["mine"].public_domain is free


def test_words_that_mean_something_to_toml_are_only_words(folder):
    hostile = 'a"\n[files."x"]\nsha256 = \'1\'\\ \x00\x7f\u2028 é'
    record_style(folder, hostile, "mine.safetensors", title=hostile, rights=hostile)
    described = read_catalog_file(folder)
    assert described["styles"] == {hostile: {"title": hostile, "rights": hostile}}
    assert list(described["files"]) == ["mine.safetensors"]


@pytest.mark.parametrize(
    "there", [b"[styles\n", b"\xff\xfe", b"styles = 1\n", b"[styles]\nmine = 1\n", b"a = " + b"[" * 5000]
)
def test_a_catalogue_that_cannot_be_read_is_refused_and_not_overwritten(folder, there):
    (folder / CATALOG).write_bytes(there)
    with pytest.raises(WeightsError, match=r"catalog\.toml.*mend or remove it") as caught:
        record_style(folder, "mine", "mine.safetensors")
    assert "\n" not in str(caught.value)
    assert (folder / CATALOG).read_bytes() == there
    with pytest.raises(WeightsError, match="mend or remove it"):
        load_catalogue()


def test_a_folder_in_the_catalogues_place_is_refused(folder):
    (folder / CATALOG).mkdir()
    with pytest.raises(WeightsError, match="is not a file"):
        record_style(folder, "mine", "mine.safetensors")


def test_what_cannot_be_written_leaves_the_catalogue_as_it_was(folder, monkeypatch):
    record_style(folder, "mine", "mine.safetensors", title="Mine")
    there = (folder / CATALOG).read_bytes()
    with pytest.raises(WeightsError, match=r"could not be described.*No such file"):
        record_style(folder, "mine", "missing.safetensors")
    with pytest.raises(WeightsError, match=r"could not be described.*surrogates"):
        record_style(folder, "mine", "mine.safetensors", title="\udc80")

    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(WeightsError, match="No space left"):
        record_style(folder, "mine", "mine.safetensors", title="New")
    assert (folder / CATALOG).read_bytes() == there
    assert sorted(file.name for file in folder.iterdir()) == [CATALOG, "mine.safetensors"]


@pytest.mark.parametrize("said", ["{outside}", "../outside.jpg", "missing.jpg", "a\\u0000b", ""])
def test_a_thumbnail_is_a_file_inside_the_folder_or_none(folder, said):
    outside = folder.parent / "outside.jpg"
    outside.touch()
    said = said.replace("{outside}", str(outside))
    (folder / CATALOG).write_text(f'[styles.mine]\nthumbnail = "{said}"\n')
    assert load_catalogue().styles["mine"].thumbnail == ""
