import dataclasses
import shutil

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from vst.errors import MediaError, UsageError
from vst.modes import available_modes, load_network, load_selection, verify_weights
from vst.styles import load_catalogue, parse_blend, read_info
from vst.train import add
from vst.train.add import NewStyle, add_style


@pytest.fixture
def new(data, loss_folder):
    return NewStyle(
        name="mine",
        images=(str(data / "style.png"),),
        size=32,
        photos=(str(data / "photos"),),
        loss_network=str(loss_folder),
        title="My painting",
    )


@pytest.fixture
def quick(monkeypatch):
    for entry in (each for each in available_modes().values() if each.training):
        monkeypatch.setattr(entry.recipe_class, "adding", entry.recipe_class.adding | {"steps": 2})
    monkeypatch.setattr(add, "SIZE", 32)


def quiet(_):
    pass


@pytest.fixture
def folders(monkeypatch, tiny_weights, tmp_path):
    monkeypatch.setattr(
        "vst.styles.catalog.weight_folders", lambda given=None: [given or tmp_path / "mine", tiny_weights]
    )
    return tiny_weights, tmp_path / "mine", tmp_path / "work"


def test_a_new_style_is_added_to_both_modes_and_blends_with_theirs(new, quick, folders):
    theirs, mine, work = folders
    catalogue = load_catalogue()
    made = add_style(
        new, catalogue.bases(("itn", "vtn")), mine, work, precision="fp32", say=quiet, minutes=5
    )
    assert [path.name for path in made] == [
        "mine-itn-tiny.safetensors",
        "mine-vtn-tiny.safetensors",
    ]
    assert not work.exists()
    catalogue = load_catalogue()
    assert verify_weights(catalogue) == []
    assert catalogue.styles["mine"].title == "My painting"
    assert catalogue.styles["mine"].modes == ("itn", "vtn")
    assert catalogue.styles["mine"].thumbnail == str(mine / "mine.jpg")
    for mode in ("itn", "vtn"):
        selection = catalogue.choose(parse_blend("mine:0.5+red:0.5"), mode)
        network = load_selection(selection)
        assert set(selection.styles) == {"mine", "red"}
        assert network.styles == 2
    assert read_info(made[0]).body == read_info(theirs / "itn-tiny.safetensors").body
    rows = load_file(made[0])["down.0.norm.weight"]
    assert not any(
        torch.equal(rows[0], row)
        for row in load_file(theirs / "itn-tiny.safetensors")["down.0.norm.weight"]
    )


@pytest.mark.parametrize("mode", ["lstm", "reconet"])
def test_a_new_style_is_added_to_the_modes_without_flow(new, quick, folders, mode):
    theirs, mine, work = folders
    (made,) = add_style(
        new, load_catalogue().bases((mode,)), mine, work, precision="fp32", say=quiet, minutes=5
    )
    info, base = read_info(made), read_info(theirs / f"{mode}-tiny.safetensors")
    assert (info.mode, info.body) == (mode, base.body)
    assert load_network(made)[0].variant == load_network(base.path)[0].variant
    selection = load_catalogue().choose(parse_blend("mine:0.5+red:0.5"), mode)
    network = load_selection(selection)
    assert set(selection.styles) == {"mine", "red"}
    assert network.styles == 2


def test_a_name_that_is_taken_is_refused(folders):
    catalogue = load_catalogue()
    with pytest.raises(UsageError, match="there is a style 'red' already"):
        catalogue.check_free("red")
    with pytest.raises(UsageError, match=r"'red' is one of cyclegan-tiny\.safetensors's; give another"):
        catalogue.check_free("red", overwrite=True)
    catalogue.check_free("green")


@pytest.mark.parametrize("name", ["", "a+b", "a:b", "a b", "../a", "-a", "é"])
def test_a_name_that_cannot_be_typed_is_refused(name):
    with pytest.raises(UsageError, match="use letters, digits"):
        NewStyle(name=name, images=("x.jpg",))


def test_bases_are_the_narrowest_or_the_widest_or_those_named(folders, tiny_weights, tmp_path):
    from vst.modes import save_weights
    from vst.modes.itn.network import ITN

    wide = tmp_path / "mine" / "itn-wide.safetensors"
    wide.parent.mkdir()
    save_weights(
        wide, ITN(3), mode="itn", styles=("red",), loss_network="none", recipe="untrained", steps=0
    )
    catalogue = load_catalogue()
    assert catalogue.bases(("itn",)) == [tiny_weights / "itn-tiny.safetensors"]
    assert catalogue.bases(("itn",), widest=True) == [wide]
    assert catalogue.bases(("itn", "vtn"), ("itn-wide",)) == [wide]
    with pytest.raises(UsageError, match="no weight file 'itn-wild': did you mean 'itn-wide'"):
        catalogue.bases(("itn",), ("itn-wild",))
    with pytest.raises(UsageError, match="no weights for mode oil"):
        catalogue.bases(("oil",))


def test_training_starts_from_the_nearest_style(new, quick, folders, monkeypatch):
    said = []
    _, mine, work = folders
    add_style(
        new, load_catalogue().bases(("itn",)), mine, work, precision="fp32", say=said.append, minutes=5
    )
    assert "starts from " in said[0]
    assert "the nearest of 2" in said[0]


def test_photographs_that_cannot_be_used_are_named_once_at_the_end(new, quick, folders, data, tmp_path):
    photos = shutil.copytree(data / "photos", tmp_path / "photos")
    (photos / "text.jpg").write_text("hello")
    (photos / "album.jpg").mkdir()
    (photos / "link.jpg").symlink_to("nowhere")
    said = []
    _, mine, work = folders
    add_style(
        dataclasses.replace(new, photos=(str(photos),)),
        load_catalogue().bases(("itn", "vtn")),
        mine,
        work,
        precision="fp32",
        say=said.append,
        minutes=5,
    )
    assert said[-3:] == [
        f"skipped, a broken link (1): {photos / 'link.jpg'}",
        f"skipped, a folder (1): {photos / 'album.jpg'}",
        f"skipped, not a picture that can be read (1): {photos / 'text.jpg'}",
    ]
    assert sum(line.startswith("skipped") for line in said) == 3


def test_a_painting_that_cannot_be_learned_is_refused_before_a_network_is_loaded(
    new, folders, tmp_path, monkeypatch
):
    Image.new("RGB", (4000, 6)).save(tmp_path / "thin.png")
    monkeypatch.setattr(add, "load_network", lambda base: pytest.fail("a network was loaded"))
    _, mine, work = folders
    with pytest.raises(MediaError, match=r"thin\.png is too small: 4000×6 pixels, 32×1 at"):
        add_style(
            dataclasses.replace(new, images=(str(tmp_path / "thin.png"),)),
            load_catalogue().bases(("itn",)),
            mine,
            work,
            say=quiet,
        )


def test_a_style_is_added_from_the_part_of_a_painting_that_a_mask_shows(new, quick, folders, data):
    _, mine, work = folders
    mask = data / "mask.png"
    Image.new("L", (8, 8), 255).save(mask)
    options = {"precision": "fp32", "say": quiet, "minutes": 5}
    catalogue = load_catalogue()
    whole, masked = (
        load_file(
            add_style(
                dataclasses.replace(new, name=name, images=(image,)),
                catalogue.bases(("itn",)),
                mine,
                work,
                **options,
            )[0]
        )
        for name, image in (("whole", new.images[0]), ("masked", f"{new.images[0]}@{mask}"))
    )
    assert all(torch.equal(whole[name], masked[name]) for name in whole)  # a white mask changes nothing
    half = Image.new("L", (8, 8), 255)
    half.paste(0, (0, 0, 4, 8))
    half.save(mask)
    part = dataclasses.replace(new, name="part", images=(f"{new.images[0]}@{mask}",))
    found = load_file(add_style(part, catalogue.bases(("itn",)), mine, work, **options)[0])
    assert not all(torch.equal(found[name], masked[name]) for name in found)
