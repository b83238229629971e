"""American and British spelling: options and choices are accepted in both."""

from __future__ import annotations

_AMERICAN = {
    "colour": "color",
    "grey": "gray",
    "optimiser": "optimizer",
}


def american(name: str) -> str:
    """The American spelling of an option or a choice, so that click compares names in one spelling."""
    for british, replacement in _AMERICAN.items():
        name = name.replace(british, replacement)
    return name
