import dataclasses
from pathlib import Path

import pytest

from vst.errors import UsageError
from vst.modes.cyclegan.config import CycleganRecipe
from vst.modes.recipe import create_recipe
from vst.train.recipe_file import known_recipes, read_recipe, resolve

TEXT = """
mode = "itn"
width = 16
learning_rate = 1
photos = ["p.tar"]
[[styles]]
name = "a"
images = ["a.jpg", "b.jpg"]
size = 300
"""


def write(folder, text):
    (folder / "mine.toml").write_text(text)
    return str(folder / "mine.toml")


def test_a_file_gives_a_recipes_fields_in_their_types(tmp_path):
    recipe = create_recipe(read_recipe(write(tmp_path, TEXT)))
    assert (recipe.width, recipe.learning_rate, recipe.photos) == (16, 1.0, ("p.tar",))
    assert isinstance(recipe.learning_rate, float)
    (style,) = recipe.styles
    assert (style.name, style.images, style.size, style.weight) == ("a", ("a.jpg", "b.jpg"), 300, None)


def test_paths_are_looked_for_in_the_data_folder(tmp_path):
    fields = resolve(read_recipe(write(tmp_path, TEXT)), Path("data"))
    assert fields["photos"] == (str(Path("data/p.tar")),)
    assert fields["styles"][0].images[1] == str(Path("data/b.jpg"))


COLLECTIONS = [name for name in known_recipes() if name.startswith("cyclegan-")]


@pytest.mark.parametrize("name", [name for name in COLLECTIONS if name != "cyclegan-fast"])
def test_every_recipe_of_a_collection_is_complete(name):
    recipe = CycleganRecipe(**read_recipe(name))
    assert (recipe.mode, f"cyclegan-{recipe.style_name}", recipe.width) == ("cyclegan", name, 16)
    assert recipe.paintings
    assert recipe.photos
    assert recipe.clips
    assert recipe.hold_out == 7


def test_the_recipe_for_collections_of_your_own_names_no_data():
    recipe = CycleganRecipe(**read_recipe("cyclegan-fast"))
    assert (recipe.style, recipe.paintings, recipe.photos, recipe.hold_out) == ("", (), (), 0)


def test_the_recipe_of_a_collection_is_refused_for_a_single_painting():
    with pytest.raises(UsageError, match="write: vst train cyclegan --paintings FOLDER"):
        create_recipe(read_recipe("cyclegan-monet"))


def test_paintings_are_looked_for_in_the_folder_of_the_data(tmp_path):
    fields = resolve(read_recipe("cyclegan-monet"), tmp_path)
    assert fields["paintings"] == (str(tmp_path / "paintings-monet.tar"),)


@pytest.mark.parametrize("name", [name for name in known_recipes() if name not in COLLECTIONS])
def test_every_recipe_of_the_package_is_complete(name):
    recipe = create_recipe(read_recipe(name))
    mode, width, *smaller = name.split("-")
    assert (recipe.mode, recipe.width) == (mode, {"fast": 16, "compact": 48, "standard": 32}[width])
    assert len(recipe.styles) >= (2 if smaller else 10 if mode in ("itn", "vtn") else 4)
    assert recipe.photos
    assert bool(getattr(recipe, "clips", ())) is (mode != "itn")


def test_a_recipe_extends_one_of_the_packages(tmp_path):
    fields = read_recipe(write(tmp_path, 'extends = "itn-fast"\nwidth = 8\n'))
    assert fields == read_recipe("itn-fast") | {"width": 8}


def test_a_style_keeps_what_the_extended_recipe_says_of_it(tmp_path):
    styles = '[[styles]]\nname = "candy"\nweight = 3\n[[styles]]\nname = "mosaic"\nsize = 99\n'
    text = f'extends = "itn-fast"\n{styles}'
    candy, mosaic, *_ = read_recipe("itn-fast")["styles"]
    expected = (dataclasses.replace(candy, weight=3.0), dataclasses.replace(mosaic, size=99))
    assert read_recipe(write(tmp_path, text))["styles"] == expected


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("widht = 3", "unknown field 'widht': did you mean 'width'"),
        ('width = "wide"', "width is 'wide'; expected int"),
        ("width = true", "width is True; expected int"),
        ('photos = "p.tar"', "photos is 'p.tar'; expected a list"),
        ("[[styles]]\nname = 'a'", "a style has no images"),
        ("styles = [3]", "to be a table"),
        ("extends = 'nothing'", "extends is 'nothing'; expected one of cyclegan-emaki"),
        ("width = ", "cannot be read as a recipe"),
    ],
)
def test_an_invalid_file_is_refused_in_one_line(tmp_path, text, complaint):
    with pytest.raises(UsageError, match=complaint.replace("[", r"\[")) as raised:
        read_recipe(write(tmp_path, text))
    assert "mine.toml" in str(raised.value)


def test_an_unknown_recipe_gets_the_nearest_name():
    with pytest.raises(UsageError, match="did you mean 'vtn-standard'"):
        read_recipe("vtn-standrad")


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"mode": "oil"}, "unknown mode 'oil'"),
        ({"precision": "int8"}, "expected bf16, fp16, fp32"),
        ({"styles": ()}, "has no style"),
        ({"gap": 0}, "gap is 0; expected 1 or more"),
        ({"unroll": 3, "loss_frames": 4}, "loss_frames is 4; expected at most unroll, 3"),
        ({"unroll": 1}, "unroll is 1; expected 2 or more"),
        ({"anchor": 1.5}, "anchor is 1.5; expected 0 to 1"),
    ],
)
def test_an_invalid_recipe_is_refused(changes, complaint):
    with pytest.raises(UsageError, match=complaint):
        create_recipe(read_recipe("vtn-fast") | changes)


def test_a_style_may_be_given_only_once():
    fields = read_recipe("itn-fast")
    with pytest.raises(UsageError, match="'candy' is given twice"):
        create_recipe(fields | {"styles": fields["styles"] + fields["styles"][:1]})


def test_former_names_of_fields_are_read(tmp_path):
    text = 'mode = "vtn"\njudged = 2\n'
    assert read_recipe(write(tmp_path, text)) == {
        "mode": "vtn",
        "loss_frames": 2,
    }


def test_fields_of_another_mode_are_read_and_have_no_effect(tmp_path, caplog):
    fields = read_recipe(write(tmp_path, TEXT.replace("width = 16", "unroll = 6")))
    assert "unroll has no effect in mode itn" in caplog.text
    assert not hasattr(create_recipe(fields), "unroll")


@pytest.mark.parametrize("name", known_recipes())
def test_no_recipe_of_the_package_has_fields_without_effect(name, caplog):
    read_recipe(name)
    assert not caplog.records
