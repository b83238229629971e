import errno

import numpy as np
import pytest
import torch
from PIL import Image

from vst.errors import MediaError, UsageError
from vst.styles.lettering import drawable, font, wrap
from vst.styles.sheet import Cell, check_sheet, draw_sheet, write_sheet

COLOURS = [(1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0), (0.0, 1.0, 1.0), (1.0, 0.0, 1.0)]


def plain(colour, height=90, width=120):
    return torch.tensor(colour).view(3, 1, 1).expand(3, height, width)


def patches(sheet, colour):
    """Left, top, width and height of the part of a sheet that is of one colour."""
    found = (np.asarray(sheet) == np.array(colour) * 255).all(2)
    rows, columns = np.flatnonzero(found.any(1)), np.flatnonzero(found.any(0))
    width, height = columns[-1] - columns[0] + 1, rows[-1] - rows[0] + 1
    assert found.sum() == width * height
    return columns[0], rows[0], width, height


def test_every_picture_is_drawn_once_in_order_and_equally_large():
    sheet = draw_sheet([Cell(str(number), picture=plain(colour)) for number, colour in enumerate(COLOURS)])
    places = [patches(sheet, colour) for colour in COLOURS]
    assert len({(width, height) for *_, width, height in places}) == 1
    reading = [(top, left) for left, top, *_ in places]
    assert reading == sorted(reading)
    assert len({top for top, _ in reading}) == 2
    assert sheet.mode == "RGB"


def test_pictures_of_another_shape_lose_their_edges_not_their_proportions():
    wide = torch.cat([plain(COLOURS[1], 90, 100), plain(COLOURS[0]), plain(COLOURS[1], 90, 100)], 2)
    cells = [Cell("wide", picture=wide), *(Cell(str(n), picture=plain(COLOURS[2])) for n in range(2))]
    sheet = np.asarray(draw_sheet(cells))
    assert (sheet == (255, 0, 0)).all(2).any()
    assert not (sheet == (0, 255, 0)).all(2).any()


def test_margins_are_empty_and_the_same_on_all_sides_of_the_pictures():
    sheet = np.asarray(draw_sheet([Cell("a", picture=plain(COLOURS[n])) for n in range(3)]))
    paper = sheet[0, 0]
    inked = (sheet != paper).any(2)
    rows, columns = np.flatnonzero(inked.any(1)), np.flatnonzero(inked.any(0))
    assert rows[0] == columns[0] == sheet.shape[1] - 1 - columns[-1] > 20
    assert not inked[-20:].any()


def test_name_title_and_artist_stand_under_the_picture():
    def ink(**texts):
        sheet = np.asarray(draw_sheet([Cell("name", picture=plain(COLOURS[0]), **texts)]))
        below = sheet[patches(Image.fromarray(sheet), COLOURS[0])[1] + 192 :]
        return int((below.min(2) < 128).sum())

    assert 0 < ink() < ink(title="Title") < ink(title="Title", artist="Artist")
    assert ink(title="name") == ink()


def test_a_style_without_a_picture_says_so_in_a_plain_cell():
    cells = [Cell("a", picture=plain(COLOURS[0])), Cell("b")]
    silent, spoken = (
        np.asarray(draw_sheet([*cells[:1], Cell("b", absent=absent)])) for absent in ("", "no thumbnail")
    )
    assert (np.asarray(draw_sheet(cells)) == spoken).all()
    changed = (silent != spoken).any(2)
    left, top, width, height = patches(Image.fromarray(spoken), COLOURS[0])
    rows, columns = np.flatnonzero(changed.any(1)), np.flatnonzero(changed.any(0))
    assert left + width < columns[0]
    assert top < rows[0] <= rows[-1] < top + height


def test_a_sheet_without_any_picture_is_drawn():
    assert min(draw_sheet([Cell("a"), Cell("b")]).size) > 200


@pytest.mark.parametrize("count", [1, 2, 3, 4, 7, 12, 30, 100])
def test_the_sheet_is_neither_a_strip_nor_full_of_gaps(count):
    width, height = draw_sheet([Cell("a")] * count).size
    assert 0.6 < width / height < 3.2


def test_long_titles_are_broken_at_spaces_and_end_in_an_ellipsis():
    lines = wrap("one two three four five six seven eight nine ten", 16, 120, 2)
    assert len(lines) == 2
    assert lines[0].endswith(("one two", "three", "four"))
    assert lines[1].endswith("…")
    assert all(font(16).getlength(line) <= 120 for line in lines)
    (word,) = wrap("m" * 100, 16, 120, 1)
    assert word.endswith("m…")
    assert wrap("", 16, 120, 2) == []


def test_letters_that_the_font_lacks_are_written_as_near_as_can_be():
    assert drawable("Théodore Géricault – Ærø\nŁódź") == "Theodore Gericault - AEro Lodz".replace(
        "AE", "Ae"
    )
    assert drawable("神\x00a\u202e") == "??a?"
    assert drawable("e\u0301") == "e"


@pytest.mark.parametrize(("name", "kind"), [("s.png", "PNG"), ("s.JPG", "JPEG"), ("s.jpeg", "JPEG")])
def test_the_extension_says_the_format(tmp_path, name, kind):
    write_sheet(tmp_path / name, draw_sheet([Cell("a")]))
    with Image.open(tmp_path / name) as image:
        assert image.format == kind
        image.load()
    assert [file.name for file in tmp_path.iterdir()] == [name]


def test_what_cannot_be_written_is_refused_in_one_line_before_any_work(tmp_path):
    there = tmp_path / "there.png"
    there.write_bytes(b"kept")
    (tmp_path / "folder.png").mkdir()
    for path, photo, overwrite, kind, said in (
        (tmp_path / "s.gif", None, True, UsageError, "ends in .png or .jpg"),
        (tmp_path / "sheet", None, True, UsageError, "ends in .png or .jpg"),
        (tmp_path / "none" / "s.png", None, True, MediaError, "does not exist: make it first"),
        (tmp_path / "folder.png", None, True, MediaError, "is a folder"),
        (there, None, False, MediaError, "exists already: pass -y"),
        (there, there, True, MediaError, "is the photo itself"),
    ):
        with pytest.raises(kind, match=said) as caught:
            check_sheet(path, photo, overwrite)
        assert "\n" not in str(caught.value)
    check_sheet(there, None, True)
    assert there.read_bytes() == b"kept"


def test_a_full_disk_leaves_what_was_there(tmp_path, monkeypatch):
    path = tmp_path / "s.png"
    path.write_bytes(b"kept")

    def full(*arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(MediaError, match="No space left"):
        write_sheet(path, draw_sheet([Cell("a")]))
    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [("s.png", b"kept")]
