"""Parts that the benchmarks share: weight files, photographs, options and sheets."""

from __future__ import annotations

import shutil
from fractions import Fraction
from pathlib import Path

import cv2
import pytest
import torch

from vst.errors import UsageError, WeightsError
from vst.frame import Frame
from vst.modes import load_network, save_weights
from vst.modes.itn.network import ITN
from vst.nn.style_parameters import select_styles


@pytest.fixture
def mixed(tmp_path: Path, tiny_weights: Path) -> Path:
    """A folder with networks of widths 2 and 3; the wider one has only one of the styles."""
    for file in tiny_weights.glob("*.safetensors"):
        shutil.copy(file, tmp_path)
    save_weights(
        tmp_path / "itn-wide.safetensors",
        ITN(3),
        mode="itn",
        styles=("red",),
        loss_network="-",
        recipe="-",
        steps=0,
    )
    return tmp_path


def test_weights_are_searched_in_the_given_place_only(mixed: Path) -> None:
    from benchmarks.networks import find_weights

    def width(place: Path, mode: str, *styles: str) -> int | None:
        found = find_weights(str(place), mode, styles)
        return None if found is None else found.files[0].width

    assert width(mixed, "itn", "red") == 3
    assert width(mixed, "itn", "blue") == 2
    assert width(mixed, "itn", "red", "blue") == 2
    assert width(mixed / "*-tiny*", "itn", "red") == 2
    assert width(mixed / "itn-wide.safetensors", "itn", "red") == 3
    assert width(mixed / "itn-wide.safetensors", "vtn", "red") is None
    # The checkout ships it, the place has it not.
    assert width(mixed, "itn", "candy") is None
    with pytest.raises(UsageError, match="no weights at"):
        width(mixed / "*-standard*", "itn", "red")


def test_the_narrowest_networks_are_measured_by_default(mixed: Path) -> None:
    from benchmarks.networks import find_weights, need_weights
    from benchmarks.options import add_weights, create_parser

    def width(*options: str) -> int:
        parser = create_parser(None)
        add_weights(parser)
        given = parser.parse_args(["--weights-dir", str(mixed), *options])
        return need_weights(given.weights_dir, "itn", ["red"], given.quality).files[0].width

    assert width() == width("--quality", "fast") == 2
    assert width("--quality", "best") == 3
    with pytest.raises(UsageError, match=r"mode itn and width 32 or more have red in .*or --quality"):
        width("--quality", "standard")
    # Where places are named, each is measured at its widest, and a pattern tells the widths apart.
    for place, wide in ((mixed, 3), (mixed / "*-wide*", 3), (mixed / "*-tiny*", 2)):
        found = find_weights(str(place), "itn", ["red"])
        assert found is not None
        assert found.files[0].width == wide


def test_files_with_equal_convolutions_can_be_blended(mixed: Path, tiny_weights: Path) -> None:
    from benchmarks.networks import described, need_weights, open_mode

    (whole,) = need_weights(str(mixed / "*-tiny*"), "itn", ["red", "blue"]).files
    parts = mixed / "parts"
    parts.mkdir()
    for number, name in enumerate(whole.styles):
        network, _ = load_network(whole.path)
        select_styles(network, [number])
        path = parts / f"{name}.safetensors"
        save_weights(path, network, mode="itn", styles=(name,), loss_network="-", recipe="-", steps=0)
    frame = Frame(0, Fraction(0), Fraction(1, 25), torch.rand(3, 24, 32))
    painted = []
    for place in (whole.path, parts):
        selection = need_weights(str(place), "itn", ["red", "blue"])
        painted.append(open_mode(selection, ("red", 0.25), ("blue", 0.75)).step(frame))
    assert torch.equal(*painted)
    assert set(described(selection)["files"]) == {"red.safetensors", "blue.safetensors"}


def test_another_file_is_refused_as_a_peer_in_one_line(tiny_weights: Path) -> None:
    from benchmarks.peers import PeerMode

    with pytest.raises(WeightsError, match="is not a TransformerNet") as caught:
        PeerMode(tiny_weights / "itn-tiny.safetensors")
    assert "\n" not in str(caught.value)


def test_the_checkout_s_own_weights_are_the_default() -> None:
    from benchmarks.networks import SHIPPED, find_weights

    found = find_weights(None, "itn", ["candy"])
    assert found is not None
    assert {info.path.parent for info in found.files} == {SHIPPED}


def test_photographs_are_evenly_spread_and_never_enlarged(pictures: Path) -> None:
    from benchmarks.photographs import read_photographs, spread

    assert spread(16, 4) == [0, 4, 8, 12]
    assert spread(3, 5) == [0, 1, 2]
    found = read_photographs(pictures / "photos", None, 24)
    assert [photo.name for photo in found] == ["a.png", "b.png", "c.png"]
    assert [tuple(photo.image.shape) for photo in found] == [(3, 24, 32), (3, 24, 32), (3, 32, 24)]
    assert torch.equal((found[0].image * 255).round() / 255, found[0].image)
    assert read_photographs(pictures / "photos", 1, 500)[0].image.shape == (3, 48, 64)


def test_8_bits_clamp_to_0_1_and_round_to_steps_of_1_255() -> None:
    from vst.evaluate import in_8_bits

    values = torch.tensor([-0.2, 0.4 / 255, 0.6 / 255, 1.7])
    assert (in_8_bits(values) * 255).tolist() == [0, 0, 1, 255]


def test_options_take_values_by_name_or_for_all() -> None:
    from benchmarks.options import by_name, style_sizes

    assert by_name(["a=1", "2"], "--x") == {"a": "1", "": "2"}
    assert style_sizes([], ["red", "blue"]) == {"red": 512, "blue": 512}
    assert style_sizes(["384", "blue=640"], ["red", "blue"]) == {"red": 384, "blue": 640}
    for wrong, said in ((["1", "2"], "twice"), (["a="], "no value"), (["green=1"], "green")):
        with pytest.raises(UsageError, match=said):
            style_sizes(wrong, ["red"])


def test_a_sheet_has_every_picture_below_its_label(tmp_path: Path) -> None:
    from benchmarks.sheet import cell, write_sheet

    red, blue = torch.zeros(3, 60, 120), torch.zeros(3, 60, 120)
    red[0], blue[2] = 1, 1
    path = tmp_path / "sheet.png"
    write_sheet([[cell("red", red, 60), cell("blue", blue, 60)], [cell("again", red, 200)]], path)
    sheet = cv2.imread(str(path))
    pure_red, pure_blue = (sheet == (0, 0, 255)).all(-1), (sheet == (255, 0, 0)).all(-1)
    assert pure_red.sum() == 30 * 60 + 60 * 120
    assert pure_blue.sum() == 30 * 60
    # Above the first row of pictures there is text.
    first = int(pure_red.any(1).argmax())
    assert first > 10
    assert (sheet[:first] < 128).any()
    with pytest.raises(UsageError, match=r"sheet\.xyz"):
        write_sheet([[cell("red", red, 60)]], tmp_path / "sheet.xyz")
