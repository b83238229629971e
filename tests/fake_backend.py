"""A backend for tests, in place of `openvino`: torch's pictures, or others, sooner or later."""

from __future__ import annotations

from vst.nn.backends import BACKENDS, BackendEntry, BackendError
from vst.nn.backends.torch_backend import TorchBackend


class FakeBackend(TorchBackend):
    """Torch, with a shift.

    Attributes:
        shift: Added to every picture, −1..1.
        fails_at: Number of the call that fails, counted over all instances; None: none.
        calls: The calls so far.
        opened: How many were opened.
    """

    shift: float = 0.0
    fails_at: int | None = None
    calls: int = 0
    opened: int = 0

    def __init__(self, network, mix, precision):
        type(self).opened += 1
        super().__init__(network, mix, precision)

    def __call__(self, planes):
        kind = type(self)
        kind.calls += 1
        if kind.calls == kind.fails_at:
            raise BackendError("backend openvino failed (no reason): use --backend torch")
        return super().__call__(planes) + kind.shift


def install(monkeypatch) -> type[FakeBackend]:
    """Register a fresh one as `openvino`."""

    class Fresh(FakeBackend):
        pass

    monkeypatch.setattr(f"{__name__}.Fresh", Fresh, raising=False)
    monkeypatch.setitem(BACKENDS, "openvino", BackendEntry("openvino", f"{__name__}:Fresh", "torch"))
    return Fresh
