import pytest

from vst.errors import UsageError
from vst.styles import parse_blend


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
