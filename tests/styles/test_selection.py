import json
import shutil
from fractions import Fraction

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from vst.errors import UsageError, WeightsError
from vst.frame import Frame
from vst.modes import create_stylizer, load_network, load_selection, save_weights, verify_weights
from vst.modes.itn.network import ITN
from vst.modes.vtn.network import VTN
from vst.nn.body import Variant
from vst.nn.style_parameters import body_digest, same_convolutions, select_styles, shared_tensors
from vst.styles import load_catalogue, parse_blend, read_info, resolve_style

DESCRIPTION = {"loss_network": "none", "recipe": "none", "steps": 0}


def network(kind=ITN, width=2, styles=1, seed=0):
    torch.manual_seed(seed)
    made = kind(width, styles)
    with torch.no_grad():
        for norm in made.norms():
            norm.weight.add_(torch.randn_like(norm.weight))
            norm.bias.add_(torch.randn_like(norm.bias))
    return made


def save(path, made, *styles):
    mode = {3: "itn", 7: "vtn"}[made.inputs]
    save_weights(path, made, mode=mode, styles=styles, **DESCRIPTION)
    return path


def load(catalogue, text, mode="itn"):
    """The network of a blend, and the files that it comes from."""
    selection = catalogue.choose(parse_blend(text), mode)
    catalogue.check_digests(selection)
    return load_selection(selection), selection


def split(folder):
    """One network of the styles a, b and c as `all`, and again as two files: b and a, and c."""
    whole = save(folder / "all" / "itn.safetensors", network(styles=3), "a", "b", "c")
    for name, chosen in (("itn-base", (1, 0)), ("mine-itn", (2,))):
        part, _ = load_network(whole)
        select_styles(part, chosen)
        save(folder / "parts" / f"{name}.safetensors", part, *("abc"[index] for index in chosen))


def describe_as(path, **changes):
    """Change the description in a weight file, and nothing else."""
    with safe_open(path, "pt") as file:
        metadata = file.metadata() | changes
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    save_file(tensors, path, metadata)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "all").mkdir()
    (tmp_path / "parts").mkdir()
    monkeypatch.setattr("vst.styles.catalog.weight_folders", lambda given=None: [given])
    return tmp_path


def test_a_file_says_which_convolutions_it_has_and_not_which_styles(folder):
    split(folder)
    bodies = {read_info(path).body for path in folder.rglob("*.safetensors")}
    assert len(bodies) == 1
    assert len(bodies.pop()) == 64
    other = save(folder / "other.safetensors", network(seed=1), "a")
    assert read_info(other).body != read_info(folder / "all" / "itn.safetensors").body


def test_every_convolution_counts_and_no_scale_or_shift():
    made = network()
    shared = shared_tensors(made)
    assert {name.rsplit(".", 2)[1] for name in shared if name.startswith(("down", "residual", "up"))} == {
        "conv"
    }
    assert {"last.weight", "last.bias"} <= set(shared)
    before = body_digest(made)
    with torch.no_grad():
        next(made.norms()).weight.add_(1)
        assert body_digest(made) == before
        for value in shared.values():
            value.view(-1)[0] += 1
            assert body_digest(made) != before
            value.view(-1)[0] -= 1


def test_the_digest_is_that_of_the_tensors_as_the_file_keeps_them(tmp_path):
    made = network()
    loaded, info = load_network(save(tmp_path / "n.safetensors", made, "a"))
    assert not torch.equal(loaded.last.weight, made.last.weight)
    assert info.body == body_digest(made) == body_digest(loaded)


def test_a_blend_of_two_files_paints_as_one_file_does(folder):
    split(folder)
    frame = torch.rand(1, 3, 16, 20)
    for text in ("a:0.3+c:0.7", "c+a:2", "c:0.2+b:0.5+a:0.3"):
        blend = parse_blend(text)
        painted = {}
        for where in ("all", "parts"):
            made, selection = load(load_catalogue(folder / where), text)
            painted[where] = made(frame, torch.tensor([blend.mixture(selection.styles)]))
        torch.testing.assert_close(painted["parts"], painted["all"])
        assert sorted(selection.styles) == sorted(blend.names)
        assert {info.path.name for info in selection.files} == {
            "itn-base.safetensors",
            "mine-itn.safetensors",
        }


def test_a_mode_of_two_files_paints_as_that_of_one(folder):
    split(folder)
    frame = Frame(0, Fraction(0), Fraction(1), torch.rand(3, 16, 20))
    one, two = (
        create_stylizer(resolve_style("a:0.3+c:0.7", "itn", weights_dir=folder / where)).stylize(
            frame, None
        )
        for where in ("all", "parts")
    )
    torch.testing.assert_close(two, one)


def test_a_network_of_two_files_asks_for_no_gradient(folder):
    split(folder)
    made, _ = load(load_catalogue(folder / "parts"), "a+c")
    assert not made.training
    assert not any(parameter.requires_grad for parameter in made.parameters())


def test_one_file_with_all_styles_goes_before_two(folder):
    split(folder)
    shutil.copy(folder / "all" / "itn.safetensors", folder / "parts" / "z.safetensors")
    selection = load_catalogue(folder / "parts").choose(parse_blend("a+c"), "itn")
    assert [info.path.name for info in selection.files] == ["z.safetensors"]
    assert selection.styles == ("a", "b", "c")


def test_the_first_file_that_has_a_style_gives_it(folder):
    split(folder)
    again, _ = load_network(folder / "parts" / "mine-itn.safetensors")
    select_styles(again, (0, 0))
    save(folder / "parts" / "aaa.safetensors", again, "c", "d")
    selection = load_catalogue(folder / "parts").choose(parse_blend("a+c"), "itn")
    assert [info.path.name for info in selection.files] == ["itn-base.safetensors", "aaa.safetensors"]


def test_the_widest_files_that_go_together_are_chosen(folder):
    split(folder)
    wide = network(width=3, styles=2, seed=2)
    for name, index in (("wide-a", 0), ("wide-c", 1)):
        part, _ = load_network(save(folder / "wide.safetensors", wide, "a", "c"))
        select_styles(part, (index,))
        save(folder / "parts" / f"{name}.safetensors", part, "ac"[index])
    selection = load_catalogue(folder / "parts").choose(parse_blend("a+c"), "itn")
    assert {info.width for info in selection.files} == {3}
    assert {
        info.width for info in load_catalogue(folder / "parts").choose(parse_blend("b+c"), "itn").files
    } == {2}


def widths(folder, text, quality):
    chosen = load_catalogue(folder / "parts").choose(parse_blend(text), "itn", quality)
    return {info.width for info in chosen.files}


def of_two_widths(folder):
    """Files of width 2, 31, 32 and 33; only the narrow ones have the style b."""
    for width, styles in ((2, "ab"), (31, "ab"), (32, "a"), (33, "a")):
        path = save(folder / "parts" / f"itn-{width}.safetensors", network(styles=len(styles)), *styles)
        describe_as(path, width=str(width))


@pytest.mark.parametrize(
    ("quality", "alone", "blended"), [("best", 33, 31), ("standard", 33, None), ("fast", 2, 2)]
)
def test_a_quality_chooses_among_the_widths_that_have_all_styles(folder, quality, alone, blended):
    of_two_widths(folder)
    assert widths(folder, "a", quality) == {alone}
    if blended:
        assert widths(folder, "a+b", quality) == widths(folder, "b", quality) == {blended}
        return
    for text in ("b", "a+b"):
        with pytest.raises(UsageError) as caught:
            widths(folder, text, quality)
        assert str(caught.value) == (
            "quality 'standard' asks for weights of width 32 or more, which mode itn lacks for 'b'; "
            "give --quality best for the widest there are"
        )


def test_a_quality_chooses_among_files_that_go_together_too(folder):
    split(folder)
    for name in ("itn-base", "mine-itn"):
        wide = folder / "parts" / f"{name}-standard.safetensors"
        shutil.copy(folder / "parts" / f"{name}.safetensors", wide)
        describe_as(wide, width="32", body="0" * 64)
    assert widths(folder, "a+c", "best") == widths(folder, "a+c", "standard") == {32}
    assert widths(folder, "a+c", "fast") == {2}


def test_wide_files_that_do_not_go_together_leave_the_narrow_one_to_ask_for(folder):
    save(folder / "parts" / "itn-fast.safetensors", network(styles=2), "a", "b")
    for name in "ab":
        path = save(folder / "parts" / f"{name}-itn-standard.safetensors", network(seed=ord(name)), name)
        describe_as(path, width="32")
    assert widths(folder, "a+b", "best") == {2}
    with pytest.raises(
        UsageError, match=r"a and b cannot be blended: .*, or give --quality best$"
    ) as caught:
        widths(folder, "a+b", "standard")
    assert "itn-fast" not in str(caught.value)


def test_a_quality_that_does_not_exist_gets_the_nearest_name(folder):
    of_two_widths(folder)
    with pytest.raises(UsageError, match="unknown quality 'fats': did you mean 'fast'"):
        widths(folder, "a", "fats")


def test_files_of_different_networks_are_named_with_what_to_do(folder):
    parts = folder / "parts"
    save(parts / "itn-standard.safetensors", network(styles=2, seed=1), "a", "b")
    save(parts / "mine-itn-fast.safetensors", network(seed=2), "mine")
    with pytest.raises(UsageError) as caught:
        load_catalogue(parts).choose(parse_blend("a+mine"), "itn")
    assert str(caught.value) == (
        "a and mine cannot be blended: 'a' is in itn-standard.safetensors, 'mine' is in mine-itn-fast."
        "safetensors; their networks differ; add 'mine' again for the network of "
        "itn-standard.safetensors"
    )


def test_a_file_from_before_bodies_is_read_and_blends_with_nothing(folder):
    split(folder)
    parts = folder / "parts"
    describe_as(parts / "itn-base.safetensors", body="")
    catalogue = load_catalogue(parts)
    assert catalogue.weights["itn-base.safetensors"].body == ""
    assert verify_weights(catalogue) == []
    load(catalogue, "a+b")
    with pytest.raises(UsageError, match=r"itn-base\.safetensors has no digest .* fetch or train it again"):
        catalogue.choose(parse_blend("a+c"), "itn")


def test_networks_of_two_modes_are_never_joined(folder):
    split(folder)
    body = read_info(folder / "parts" / "mine-itn.safetensors").body
    describe_as(save(folder / "parts" / "vtn.safetensors", network(VTN), "v"), body=body)
    with pytest.raises(UsageError, match="'v' has no weights for mode itn"):
        load_catalogue(folder / "parts").choose(parse_blend("a+v"), "itn")


@pytest.mark.parametrize("liar", [{"seed": 1}, {"width": 3}])
def test_a_file_that_claims_another_ones_convolutions_is_found_out(folder, liar):
    split(folder)
    parts = folder / "parts"
    body = read_info(parts / "itn-base.safetensors").body
    describe_as(save(parts / "mine-itn.safetensors", network(**liar), "c"), body=body)
    with pytest.raises(WeightsError, match=r"mine-itn\.safetensors.*add its styles again") as caught:
        load(load_catalogue(parts), "a+c")
    assert "\n" not in str(caught.value)
    (problem,) = verify_weights(load_catalogue(parts))
    assert "mine-itn.safetensors does not have the convolutions of its digest" in problem


def test_convolutions_that_only_round_to_the_same_are_not_the_same(tmp_path):
    made = network()
    nearly, _ = load_network(save(tmp_path / "n.safetensors", made, "a"))
    assert body_digest(made) == body_digest(nearly)
    assert same_convolutions(made, made)
    assert not same_convolutions(made, nearly)


def test_networks_that_use_the_same_convolutions_otherwise_are_not_the_same():
    one, other = network(), ITN(2, variant=Variant(output="linear"))
    other.load_state_dict(one.state_dict())
    assert body_digest(one) == body_digest(other)
    assert not same_convolutions(one, other)


def test_running_means_of_a_batch_norm_belong_to_the_convolutions():
    shared = shared_tensors(ITN(2, variant=Variant(norm="batch")))
    assert {"down.0.norm.mean", "down.0.norm.variance"} <= set(shared)
    assert "down.0.norm.weight" not in shared


def test_the_hash_of_every_file_of_a_blend_is_checked(folder):
    split(folder)
    parts = folder / "parts"
    for name in ("itn-base", "mine-itn"):
        (parts / "catalog.toml").write_text(f'[files."{name}.safetensors"]\nsha256 = "00"\n')
        with pytest.raises(WeightsError, match=rf"{name}\.safetensors .*hash differs"):
            load(load_catalogue(parts), "a+c")


def test_a_file_that_was_replaced_since_it_was_described_is_refused(folder):
    split(folder)
    catalogue = load_catalogue(folder / "parts")
    describe_as(folder / "parts" / "mine-itn.safetensors", styles=json.dumps(["other"]))
    with pytest.raises(WeightsError, match="was replaced and has no style 'c' now"):
        load(catalogue, "a+c")


def test_a_body_that_is_no_digest_is_refused(folder):
    path = save(folder / "n.safetensors", network(), "a")
    describe_as(path, body="x" * 64)
    with pytest.raises(WeightsError, match="no SHA-256 for its body"):
        read_info(path)


def test_widths_of_different_layouts_are_compared_by_their_grade(folder):
    torch.manual_seed(0)
    layouts = {"narrow": Variant(), "compact": Variant(layout="compact"), "wide": Variant()}
    widths = {"narrow": 4, "compact": 18, "wide": 8}
    for name, variant in layouts.items():
        save(folder / "all" / f"{name}.safetensors", ITN.build(widths[name], 1, variant), "a")

    def chosen(quality):
        return load_catalogue(folder / "all").choose(parse_blend("a"), "itn", quality).files[0].path.stem

    assert chosen("best") == "wide"
    assert chosen("fast") == "narrow"
    (folder / "all" / "narrow.safetensors").unlink()
    assert chosen("fast") == "compact"
