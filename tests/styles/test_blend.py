import pytest

from vst.errors import UsageError
from vst.styles.blend import Blend, parse_blend, split_mask


def test_one_style_is_all_of_it():
    assert parse_blend("candy").parts == (("candy", 1.0),)


def test_weights_are_brought_to_a_sum_of_one():
    blend = parse_blend("candy:3 + wave:1")
    assert blend.parts == (("candy", 0.75), ("wave", 0.25))
    assert blend.label == "candy+wave"


def test_a_mixture_follows_the_networks_order():
    assert parse_blend("b:0.25+a:0.75").mixture(("a", "c", "b")) == [0.75, 0.0, 0.25]


@pytest.mark.parametrize("text", ["", "a+", "a:x", "a:-1", "a:0", "a:nan", "a:inf", "a+a"])
def test_invalid_values_are_refused_in_one_line(text):
    with pytest.raises(UsageError, match="cannot be read") as caught:
        parse_blend(text)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "parts", "label"),
    [
        ("a/b.jpg", {"a/b.jpg": 1.0}, "b"),
        ("a.jpg:0.6+b.png:0.4", {"a.jpg": 0.6, "b.png": 0.4}, "a+b"),
        ('file:"a+b: c.jpg":0.5+candy:0.5', {"a+b: c.jpg": 0.5, "candy": 0.5}, "a+b: c+candy"),
        ('file:"a+b.jpg"', {"a+b.jpg": 1.0}, "a+b"),
        ("file:picture:3 + wave", {"picture": 0.75, "wave": 0.25}, "picture+wave"),
        ("C:\\paintings\\a.jpg", {"C:\\paintings\\a.jpg": 1.0}, "C:\\paintings\\a"),
        ("%04d.png", {"%04d.png": 1.0}, "_04d"),
    ],
)
def test_a_path_stands_for_a_picture(text, parts, label):
    blend = parse_blend(text)
    assert dict(blend.parts) == pytest.approx(parts)
    assert blend.pictures == set(parts) - {"candy", "wave"}
    assert blend.label == label


def test_the_whole_name_of_a_file_that_exists_wins(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("a+b:0.5", "candy", "c:0.5.jpg"):
        (tmp_path / name).touch()
    assert parse_blend("a+b:0.5") == Blend((("a+b:0.5", 1.0),), frozenset({"a+b:0.5"}))
    assert parse_blend("candy:2+c:0.5.jpg").pictures == {"candy", "c:0.5.jpg"}
    assert parse_blend("wave").pictures == frozenset()


@pytest.mark.parametrize(
    "text", ['file:"a"b', "file:", 'file:""', "a.jpg:0", "a.jpg:x:0.5:y+", "a.jpg+a.jpg"]
)
def test_a_path_that_cannot_be_read_is_refused(text):
    with pytest.raises(UsageError, match="cannot be read"):
        parse_blend(text)


@pytest.mark.parametrize(
    ("text", "parts", "label"),
    [
        ("a/b.jpg@m.png", {"a/b.jpg@m.png": 1.0}, "b"),
        ("a.jpg@m.png:0.6+a.jpg@n.png:0.4", {"a.jpg@m.png": 0.6, "a.jpg@n.png": 0.4}, "a+a"),
        ('file:"a+b: c.jpg@m.png":3+candy', {"a+b: c.jpg@m.png": 0.75, "candy": 0.25}, "a+b: c+candy"),
        ("me@home/b.jpg", {"me@home/b.jpg": 1.0}, "b"),
    ],
)
def test_a_picture_may_have_a_mask(text, parts, label):
    blend = parse_blend(text)
    assert dict(blend.parts) == pytest.approx(parts)
    assert blend.pictures == set(parts) - {"candy"}
    assert blend.label == label


def test_the_picture_before_a_mask_is_the_longest_file_that_exists(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("a@b", "c@2.jpg", "c"):
        (tmp_path / name).touch()
    assert split_mask("a@b@m.png") == ("a@b", "m.png")
    assert split_mask("c@2.jpg") == ("c@2.jpg", None)
    assert split_mask("c@3.jpg") == ("c", "3.jpg")
    assert split_mask("d@h/e.jpg@m@n.png") == ("d@h/e.jpg", "m@n.png")
    assert split_mask("candy") == ("candy", None)


def test_masks_keep_their_meaning_in_another_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    blend = parse_blend("a.jpg@m.png:0.5+candy:0.5")
    text = blend.with_absolute_paths
    monkeypatch.chdir("/")
    assert parse_blend(text).files == (f"{tmp_path}/a.jpg", f"{tmp_path}/m.png")
    assert parse_blend(text).names[1] == "candy"


def test_a_mask_without_a_name_is_refused_with_the_right_form():
    with pytest.raises(UsageError, match=r"like painting\.jpg@mask\.png"):
        parse_blend("a.jpg@")
