"""Imports OpenVINO without its telemetry: `import openvino` alone reports to its makers over the network.

OpenVINO takes a stub where the package `openvino_telemetry` is missing, and it is missing while OpenVINO
is imported here. The user's own choice (`opt_in_out`, a file in the home folder) is neither read nor
written.
"""

from __future__ import annotations

import sys

_TELEMETRY = "openvino_telemetry"

_hidden = "openvino" not in sys.modules and _TELEMETRY not in sys.modules
if _hidden:
    sys.modules[_TELEMETRY] = None  # type: ignore[assignment]
try:
    import openvino
    from openvino import opset13
finally:
    if _hidden:
        del sys.modules[_TELEMETRY]

__all__ = ["openvino", "opset13"]
