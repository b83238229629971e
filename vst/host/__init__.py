"""The Python side of the editor plugins: a worker that paints for one host process.

The plugins (`plugins/`) are thin clients in C. At its first render a client starts `vst.host.worker`, which
serves every client of that process and ends with it. What is painted is a function of the source frames and
the parameters alone: `engine` says how, `protocol` what the two sides say to each other.
"""

from __future__ import annotations
