"""The backend `openvino`: Intel's inference library, on any x86 or ARM processor (extra `openvino`)."""

from __future__ import annotations

import copy
from collections import OrderedDict
from collections.abc import Sequence
from functools import cache

import torch
from torch import Tensor

from vst.nn.backends.backend import BackendError
from vst.nn.backends.openvino_graph import build_graph
from vst.nn.backends.openvino_import import openvino
from vst.nn.style_network import StyleNetwork

_SIZES = 4
"""So many sizes of frames are kept compiled: borders change the size within a clip."""

_TYPES = {torch.float32: "f32", torch.bfloat16: "bf16", torch.float16: "f16"}


class OpenVinoBackend:
    """Runs a network's layers as an OpenVINO graph, one for each size, on as many threads as torch uses.

    The graph ends with the last convolution. `StyleNetwork.compose`, any function of pixels, stays torch's.
    See `vst.nn.backends.backend.BackendFactory` for the arguments.
    """

    def __init__(self, network: StyleNetwork, mix: Tensor, precision: torch.dtype) -> None:
        self._network = copy.deepcopy(network).eval().requires_grad_(False)
        self._mix, self._precision = mix, precision
        self._requests: OrderedDict[tuple[int, int], openvino.InferRequest] = OrderedDict()

    @torch.inference_mode()
    def __call__(self, planes: Sequence[Tensor]) -> Tensor:
        """See `Backend`."""
        given = planes[0] if len(planes) == 1 else torch.cat(list(planes), 1)
        given = given.float().contiguous()
        self._network.check_input(*given.shape[1:])
        try:
            request = self._request((given.shape[2], given.shape[3]))
            return torch.cat([self._frame(request, frame[None]) for frame in given])
        except RuntimeError as error:
            text = str(error).strip()
            if "bad_alloc" in text or "allocate" in text:
                raise MemoryError(text) from error
            last = text.splitlines()[-1] if text else type(error).__name__
            raise BackendError(f"backend openvino failed ({last}): use --backend torch") from error

    def _frame(self, request: openvino.InferRequest, given: Tensor) -> Tensor:
        request.infer({0: openvino.Tensor(given.numpy(), shared_memory=True)}, share_outputs=True)
        # The next call writes into the same memory, which `compose` may pass on.
        raw = torch.from_numpy(request.get_output_tensor(0).data).clone()
        return self._network.compose(raw, given)

    def _request(self, size: tuple[int, int]) -> openvino.InferRequest:
        """The compiled graph for a height and width."""
        if size not in self._requests:
            while len(self._requests) >= _SIZES:
                self._requests.popitem(last=False)
            options = {
                "INFERENCE_PRECISION_HINT": _TYPES[self._precision],
                "INFERENCE_NUM_THREADS": torch.get_num_threads(),
                "NUM_STREAMS": 1,
                # Threads that are bound to cores wait there for other programs.
                "ENABLE_CPU_PINNING": False,
            }
            graph = build_graph(self._network, self._mix, size)
            self._requests[size] = _core().compile_model(graph, "CPU", options).create_infer_request()
        self._requests.move_to_end(size)
        return self._requests[size]


@cache
def _core() -> openvino.Core:
    return openvino.Core()
