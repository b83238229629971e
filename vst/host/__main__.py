"""`python -m vst.host`: the worker that the plugins start."""

from __future__ import annotations

import sys

from vst.host.worker import main

if __name__ == "__main__":
    main(sys.argv[1:])
