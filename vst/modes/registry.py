"""The modes: those of this package, and those that installed packages add.

An installed package adds a mode by an entry point of the group `vst.modes` that names a `ModeEntry`:

    [project.entry-points."vst.modes"]
    mine = "my_package.mode:MODE"

This module imports neither torch nor any mode's network, so that lists and help texts are quick.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Any

from vst.errors import UsageError, suggestion
from vst.lazy import attribute

if TYPE_CHECKING:
    from collections.abc import Callable

    from vst.modes.network_runner import NetworkRunner
    from vst.modes.optimisation.stylizer import OptimisingStylizer
    from vst.modes.recipe import NetworkRecipe
    from vst.modes.stylizer import Stylizer
    from vst.modes.training import TrainingStep
    from vst.nn.style_network import StyleNetwork

GROUP = "vst.modes"
"""The group of the entry points."""

BUILT_IN = {
    "vtn": "vst.modes.vtn:MODE",
    "lstm": "vst.modes.lstm:MODE",
    "reconet": "vst.modes.reconet:MODE",
    "itn": "vst.modes.itn:MODE",
    "cyclegan": "vst.modes.cyclegan:MODE",
}
"""Name -> where its `ModeEntry` is, in the order of lists. A new mode is a package and one line here."""

OPTIMISING = {
    "gatys": "vst.modes.gatys:MODE",
    "mrf": "vst.modes.mrf:MODE",
    "ruder": "vst.modes.ruder:MODE",
}
"""The same for modes without a network, which optimise pixels."""

_OURS = BUILT_IN | OPTIMISING

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ModeEntry:
    """One mode as the registry knows it. What takes time to import is given as `module:attribute`.

    Attributes:
        name: What the user types.
        description: One line, for `vst modes`.
        network: Its `vst.nn.StyleNetwork` class; "": it has none, and optimises pixels.
        stylizer: Makes a `Stylizer` from a `NetworkRunner`; or an `OptimisingStylizer` class.
        temporal: Whether a stylized frame depends on the frames before it.
        whole_shot: Whether it needs all frames of a shot at once, which editors do not give.
        recipe: Its training configuration, a `vst.modes.recipe.NetworkRecipe` class; "": it cannot be
            trained.
        training: Its `vst.modes.training.TrainingStep` class; "": it does not learn from single paintings.
    """

    name: str
    description: str
    network: str
    stylizer: str
    temporal: bool
    recipe: str = ""
    training: str = ""
    whole_shot: bool = False

    @property
    def optimises(self) -> bool:
        """Whether it has no network, and optimises the pixels of each frame."""
        return not self.network

    @property
    def network_class(self) -> type[StyleNetwork]:
        """Import the network.

        Raises:
            UsageError: The mode has none.
        """
        if not self.network:
            raise UsageError(f"mode {self.name!r} has no network: it optimises pixels")
        found: type[StyleNetwork] = _attribute(self.network)
        return found

    @property
    def stylizer_factory(self) -> Callable[[NetworkRunner], Stylizer]:
        """Import what makes a stylizer."""
        found: Callable[[NetworkRunner], Stylizer] = _attribute(self.stylizer)
        return found

    @property
    def optimiser_class(self) -> type[OptimisingStylizer]:
        """Import the stylizer of a mode that optimises pixels."""
        found: type[OptimisingStylizer] = _attribute(self.stylizer)
        return found

    @property
    def recipe_class(self) -> type[NetworkRecipe]:
        """Import the training configuration.

        Raises:
            UsageError: The mode cannot be trained.
        """
        if not self.recipe:
            raise UsageError(f"mode {self.name!r} cannot be trained; expected one of {_trainable()}")
        found: type[NetworkRecipe] = _attribute(self.recipe)
        return found

    @property
    def training_class(self) -> type[TrainingStep]:
        """Import the training step."""
        found: type[TrainingStep] = _attribute(self.training)
        return found


def mode_names() -> tuple[str, ...]:
    """The names of all modes; nothing is imported."""
    return (*BUILT_IN, *OPTIMISING, *_installed())


def network_mode_names() -> tuple[str, ...]:
    """As `mode_names`, without the built-in modes that have no network."""
    return (*BUILT_IN, *_installed())


@cache
def available_modes() -> dict[str, ModeEntry]:
    """All modes by name, those of this package first.

    A mode of an installed package that cannot be imported is left out with a warning.
    """
    found: dict[str, ModeEntry] = {name: _attribute(path) for name, path in _OURS.items()}
    for name, point in _installed().items():
        try:
            entry = point.load()
        except Exception as error:  # whatever another package raises, our own modes stay usable
            _log.warning("mode %r of %s is left out: %s", name, point.value, error)
            continue
        if isinstance(entry, ModeEntry) and entry.name == name:
            found[name] = entry
        else:
            _log.warning("mode %r of %s is left out: not a ModeEntry of that name", name, point.value)
    return found


def find_mode(name: str) -> ModeEntry:
    """One mode.

    Raises:
        UsageError: The mode is unknown; with the nearest name.
    """
    if name in _OURS:
        entry: ModeEntry = _attribute(_OURS[name])
        return entry
    modes = available_modes()
    if name not in modes:
        raise UsageError(f"unknown mode {name!r}: {suggestion(name, modes)}")
    return modes[name]


def check_mode(name: str) -> None:
    """Refuse a mode that does not exist.

    Raises:
        UsageError: with the nearest name.
    """
    find_mode(name)


@cache
def _installed() -> dict[str, EntryPoint]:
    """Entry points of other packages; names of this package's modes are not theirs to take."""
    return {point.name: point for point in entry_points(group=GROUP) if point.name not in _OURS}


def _trainable() -> str:
    return ", ".join(name for name, entry in available_modes().items() if entry.recipe)


def _attribute(path: str) -> Any:
    module, _, name = path.partition(":")
    return attribute(module, name)
