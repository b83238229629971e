import shutil

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from vst.errors import UsageError, WeightsError
from vst.files import file_digest
from vst.modes import load_network, save_weights, verify_weights
from vst.modes.itn.network import ITN
from vst.styles import load_catalogue, parse_blend, read_info


def describe(path):
    with safe_open(path, "pt") as file:
        return dict(file.metadata()), {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118


@pytest.fixture
def weights(tmp_path):
    path = tmp_path / "itn-a.safetensors"
    save_weights(
        path, ITN(2, styles=2), mode="itn", styles=("x", "y"), loss_network="vgg19", recipe="abc", steps=5
    )
    return path


@pytest.fixture(autouse=True)
def only_these_folders(monkeypatch, tmp_path):
    monkeypatch.setattr("vst.styles.catalog.weight_folders", lambda given=None: [given or tmp_path])


def test_a_network_comes_back_as_fp16_kept_it(tmp_path):
    network = ITN(3)
    path = tmp_path / "n.safetensors"
    save_weights(path, network, mode="itn", styles=("x",), loss_network="vgg19", recipe="abc", steps=7)
    loaded, info = load_network(path)
    assert (info.mode, info.width, info.styles, info.steps) == ("itn", 3, ("x",), 7)
    for name, value in network.state_dict().items():
        torch.testing.assert_close(loaded.state_dict()[name], value.half().float())


def test_nothing_half_written_is_left(weights):
    assert [file.name for file in weights.parent.iterdir()] == [weights.name]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda m, t: m.update(width="3"), "expected"),
        (lambda m, t: m.update(architecture="oil"), "mode 'oil'"),
        (lambda m, t: m.update(vst="99"), "format 99"),
        (lambda m, t: m.update(width="9999999"), "damaged"),
        (lambda m, t: m.pop("styles"), "describes no network"),
        (lambda m, t: m.update(styles="[1]"), "damaged"),
        (lambda m, t: m.update(styles='["x", "x"]'), "a style twice"),
        (lambda m, t: m.update(styles="[" * 100_000), "describes no network"),
        (lambda m, t: t.pop("last.bias"), "last.bias"),
        (lambda m, t: t.update({"last.bias": torch.full((3,), float("nan"))}), "not finite"),
    ],
)
def test_a_file_that_contradicts_itself_is_refused_by_name(weights, change, said):
    metadata, tensors = describe(weights)
    change(metadata, tensors)
    save_file(tensors, weights, metadata)
    with pytest.raises(WeightsError, match=said) as caught:
        load_network(weights)
    assert weights.name in str(caught.value)


def test_a_pickle_is_never_opened(tmp_path):
    path = tmp_path / "evil.safetensors"
    torch.save({"a": torch.zeros(1)}, path)
    with pytest.raises(WeightsError, match="not a safetensors file"):
        read_info(path)


def test_a_missing_file_is_said_to_be_missing(tmp_path):
    with pytest.raises(WeightsError, match="does not exist"):
        read_info(tmp_path / "none.safetensors")


def test_a_file_without_catalogue_is_taken_at_its_word(weights):
    catalogue = load_catalogue()
    assert set(catalogue.styles) == {"x", "y"}
    assert catalogue.styles["x"].modes == ("itn",)
    assert verify_weights(catalogue) == []


def test_the_catalogue_gives_titles_and_refuses_a_changed_file(weights):
    toml = weights.with_name("catalog.toml")
    toml.write_text(
        f'[styles.x]\ntitle = "X"\n[files."{weights.name}"]\nsha256 = "{file_digest(weights)}"\n'
    )
    catalogue = load_catalogue()
    assert catalogue.styles["x"].title == "X"
    assert verify_weights(catalogue) == []
    metadata, tensors = describe(weights)
    tensors["last.bias"] += 1
    save_file(tensors, weights, metadata)
    catalogue = load_catalogue()
    assert len(verify_weights(catalogue)) == 1
    with pytest.raises(WeightsError, match="hash differs"):
        catalogue.check_digests(catalogue.choose(parse_blend("x"), "itn"))


def test_a_file_that_the_catalogue_names_and_nobody_has_is_a_problem(tmp_path):
    (tmp_path / "catalog.toml").write_text('[files."gone.safetensors"]\nsha256 = "00"\n')
    assert verify_weights(load_catalogue()) == ["gone.safetensors is named in catalog.toml and missing"]


def test_a_damaged_file_does_not_hide_the_others(weights):
    (weights.parent / "broken.safetensors").write_bytes(b"nonsense")
    catalogue = load_catalogue()
    assert set(catalogue.styles) == {"x", "y"}
    assert "broken.safetensors" in verify_weights(catalogue)[0]


def test_a_broken_catalogue_is_one_line(tmp_path):
    (tmp_path / "catalog.toml").write_text("[styles\n")
    with pytest.raises(WeightsError, match=r"catalog\.toml cannot be read"):
        load_catalogue()


def test_unknown_and_impossible_styles_are_told_apart(weights):
    catalogue = load_catalogue()
    with pytest.raises(UsageError, match="unknown style 'z'"):
        catalogue.choose(parse_blend("z"), "itn")
    with pytest.raises(UsageError, match="no weights for mode vtn; give --mode itn"):
        catalogue.choose(parse_blend("x"), "vtn")
    save_weights(
        weights.with_name("itn-b.safetensors"),
        ITN(2),
        mode="itn",
        styles=("w",),
        loss_network="",
        recipe="",
        steps=0,
    )
    with pytest.raises(UsageError, match="cannot be blended"):
        load_catalogue().choose(parse_blend("x+w"), "itn")


def test_the_widest_network_is_chosen(weights):
    save_weights(
        weights.with_name("itn-wide.safetensors"),
        ITN(4),
        mode="itn",
        styles=("x",),
        loss_network="",
        recipe="",
        steps=0,
    )
    assert load_catalogue().choose(parse_blend("x"), "itn").files[0].width == 4


def test_the_first_folder_wins(weights, tmp_path, monkeypatch):
    other = tmp_path / "other"
    other.mkdir()
    shutil.copy(weights, other / weights.name)
    monkeypatch.setattr("vst.styles.catalog.weight_folders", lambda given=None: [other, tmp_path])
    assert load_catalogue().weights[weights.name].path.parent == other
