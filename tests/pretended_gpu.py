"""A GPU that is not there: its tensors are in main memory, and what leaves them is counted."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode, return_and_correct_aliasing
from torch.utils._pytree import tree_flatten, tree_map

DEVICE = torch.device("meta")
"""A kind that every build of torch has; its own tensors have no values."""

aten = torch.ops.aten


class _OnGpu(Tensor):
    """A tensor that says it is on `DEVICE`."""

    inner: Tensor

    @staticmethod
    def __new__(cls, inner: Tensor) -> _OnGpu:
        made: _OnGpu = Tensor._make_wrapper_subclass(  # type: ignore[attr-defined]
            cls,
            inner.shape,
            strides=inner.stride(),
            storage_offset=inner.storage_offset(),
            dtype=inner.dtype,
            device=DEVICE,
        )
        made.inner = inner
        return made

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        raise AssertionError(f"{func} of a tensor on the GPU outside of `PretendedGpu`")


class PretendedGpu(TorchDispatchMode):
    """Within this context there is a device `DEVICE`.

    As on a GPU, tensors there do not mix with tensors on the CPU, and have no `numpy`.

    Attributes:
        downloads: Values of each copy to the CPU, in order; single numbers that Python reads among them.
        uploads: Values of each copy from the CPU.
    """

    def __init__(self) -> None:
        super().__init__()
        self.downloads: list[int] = []
        self.uploads: list[int] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        # Operations that are made of others come whole in inference mode.
        with self:
            parts = func.decompose(*args, **kwargs)
        if parts is not NotImplemented:
            return parts
        wanted = kwargs.get("device")
        flat = tree_flatten((args, kwargs))[0]
        there = any(isinstance(each, _OnGpu) for each in flat)
        goes_there = there if wanted is None else torch.device(wanted).type == DEVICE.type
        if func is aten._to_copy.default:
            if there and not goes_there:
                self.downloads.append(args[0].numel())
            if goes_there and not there:
                self.uploads.append(args[0].numel())
        elif func is aten._local_scalar_dense.default and there:
            self.downloads.append(1)
        elif there:
            mixed = [each for each in flat if isinstance(each, Tensor) and not isinstance(each, _OnGpu)]
            assert not any(each.dim() for each in mixed), f"{func} of tensors on the GPU and on the CPU"
        if wanted is not None:
            kwargs["device"] = torch.device("cpu")
        unwrapped = tree_map(_unwrapped, (args, kwargs))
        out = func(*unwrapped[0], **unwrapped[1])
        if not goes_there:
            return out
        return return_and_correct_aliasing(func, args, kwargs, tree_map(_wrapped, out))


def _unwrapped(value: Any) -> Any:
    return value.inner if isinstance(value, _OnGpu) else value


def _wrapped(value: Any) -> Any:
    return _OnGpu(value) if isinstance(value, Tensor) else value
