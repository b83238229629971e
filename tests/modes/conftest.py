"""The training data of `tests/train`, for the training steps of modes."""

from tests.train.conftest import data, make_recipe, recipe

__all__ = ["data", "make_recipe", "recipe"]
