import cv2
import numpy as np
import pytest

from tests.conftest import SHARED
from vst.errors import MediaError, UsageError
from vst.train.collection import find_collection, hold_out, paintings_to_learn, title_of
from vst.train.recipe_file import read_recipe
from vst.train.skipped import SkippedFiles

PREFIXES = read_recipe("cyclegan-vangogh")["title_prefixes"]


def write_paintings(folder, names):
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        cv2.imwrite(str(folder / name), np.full((20, 24, 3), 90, np.uint8))
    return str(folder)


def test_every_seventh_by_name_is_held_out():
    names = [f"{number:02d}.jpg" for number in range(1, 22)]
    learned, out = hold_out(names[::-1], 7)
    assert out == ["07.jpg", "14.jpg", "21.jpg"]
    assert learned == [name for name in names if name not in out]


def test_names_are_in_the_order_of_code_points():
    assert hold_out(["a.jpg", "B.jpg"], 2) == (["B.jpg"], ["a.jpg"])


def test_nothing_is_held_out_unless_asked_for():
    assert hold_out(["b", "a"], 0) == (["a", "b"], [])


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("mm_The_potato_eaters.jpg", "public_back_the-potato-eaters.jpg"),
        ("mm_Sun_flowers.jpg", "mm_Sunflowers.jpg"),
        ("x/mm_Starry_night.jpg", "public_img_starrynight.jpg"),
    ],
)
def test_files_of_one_work_have_one_title(name, other):
    assert title_of(name, PREFIXES) == title_of(other, PREFIXES)


def test_files_of_other_works_have_other_titles():
    titles = {
        title_of(each, PREFIXES) for each in ("mm_starry_night.jpg", "the-starry-night-over-the-rhone.jpg")
    }
    assert len(titles) == 2
    assert title_of("the_a.jpg") != title_of("an.jpg")


def test_other_files_of_a_work_that_is_held_out_are_held_out_too():
    names = [
        "mm_The_potato_eaters.jpg",
        "mm_Wheatfield.jpg",
        "mm_potato_eaters.jpg",
        "public_back_the-potato-eaters.jpg",
    ]
    assert hold_out(names, 3, PREFIXES) == (["mm_Wheatfield.jpg"], [names[0], *names[2:]])
    assert len(hold_out(names, 3)[1]) == 2  # without prefixes only one other file is known to be the same


def test_the_rule_gives_the_paintings_that_are_held_out_of_all_training(shared_paintings):
    counts = {
        name: len(find_collection([path], 7, PREFIXES).held_out) for name, path in shared_paintings.items()
    }
    assert counts == {"monet": 40, "kaokore": 34, "vangogh": 6}
    held = {
        picture.name.rpartition("/")[2]
        for path in shared_paintings.values()
        for picture in find_collection([path], 7, PREFIXES).held_out
    }
    assert {
        "11be65b3e9.jpg", "6742294320.jpg", "00002040.jpg", "mm_The_potato_eaters.jpg",
        "mm_potato_eaters.jpg", "public_back_the-potato-eaters.jpg",
        "public_right_landscape-with-ploughed-fields.jpg",
    } <= held  # fmt: skip


@pytest.fixture
def shared_paintings():
    found = {name: SHARED / f"data/paintings-{name}.tar" for name in ("monet", "kaokore", "vangogh")}
    if not all(path.is_file() for path in found.values()):
        pytest.skip("the collections are not at hand")
    return {name: str(path) for name, path in found.items()}


def lines(sources, every=0):
    said = []
    pictures = paintings_to_learn(sources, every, (), SkippedFiles(), said.append)
    return len(pictures), said


def test_without_paintings_the_line_says_what_to_give(tmp_path):
    with pytest.raises(UsageError, match="no paintings: give --paintings"):
        lines([])
    (tmp_path / "empty").mkdir()
    with pytest.raises(MediaError, match="holds no picture"):
        lines([str(tmp_path / "empty")])


def test_one_painting_is_not_a_collection(tmp_path):
    with pytest.raises(UsageError, match=r"got 1 painting .* use vst style add"):
        lines([write_paintings(tmp_path, ["one.png"])])


def test_five_paintings_are_learned_with_a_warning(tmp_path):
    folder = write_paintings(tmp_path, [f"{number}.png" for number in range(5)])
    count, said = lines([folder])
    assert count == 5
    assert len(said) == 1
    assert said[0].startswith("5 paintings: the discriminator will know them by heart")


def test_many_paintings_are_counted(tmp_path):
    folder = write_paintings(tmp_path, [f"{number:02d}.png" for number in range(24)])
    assert lines([folder], 7) == (21, ["21 paintings, 3 held out"])
