"""The backends by name. Nothing heavy is imported: the command's options need the names."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import TYPE_CHECKING

from vst.errors import UsageError, VstError, suggestion
from vst.lazy import attribute

if TYPE_CHECKING:
    from vst.nn.backends.backend import BackendFactory

TORCH = "torch"


@dataclass(frozen=True)
class BackendEntry:
    """One backend as the registry knows it.

    Attributes:
        name: What the user types.
        factory: A `BackendFactory`, as `module:attribute`.
        package: What has to be installed for it.
    """

    name: str
    factory: str
    package: str

    @property
    def open(self) -> BackendFactory:
        """Import what opens it."""
        module, _, name = self.factory.partition(":")
        found: BackendFactory = attribute(module, name)
        return found

    @property
    def missing(self) -> str | None:
        """What to install, in a sentence; None if it is there."""
        if find_spec(self.package) is not None:
            return None
        return f"backend {self.name} needs the package {self.package}: pip install {self.package}"

    @property
    def version(self) -> str:
        """Of the installed package."""
        try:
            return version(self.package)
        except PackageNotFoundError:
            return "unknown"


BACKENDS = {
    entry.name: entry
    for entry in (
        BackendEntry(TORCH, "vst.nn.backends.torch_backend:TorchBackend", "torch"),
        BackendEntry("openvino", "vst.nn.backends.openvino_backend:OpenVinoBackend", "openvino"),
    )
}
"""A new backend is a file and one line here."""


def check_backend(name: str) -> None:
    """Refuse a backend that does not exist or is not installed.

    Raises:
        UsageError: There is none of that name.
        VstError: Its package is missing.
    """
    if name not in BACKENDS:
        raise UsageError(f"unknown backend {name!r}: {suggestion(name, BACKENDS)}")
    missing = BACKENDS[name].missing
    if missing is not None:
        raise VstError(f"{missing}, or use --backend {TORCH}")
