"""Benchmarks and measurements, run from a checkout; `--help` shows the options of each.

- `python -m benchmarks.stability`: temporal stability of modes and baselines on clips and scenes.
- `python -m benchmarks.long_shot`: content loss and similarity to the input at both ends of a long shot.
- `python -m benchmarks.still_shot`: drift of colour and detail in a shot without motion.
- `python -m benchmarks.pictures`: content and style loss of stylized photographs, compared with a published
  network.
- `python -m benchmarks.collections`: distance of mode cyclegan to its paintings, and the gain of its
  temporal loss.
- `python -m benchmarks.blend`: position of a blend between its two styles.
- `python -m benchmarks.memory`: peak memory of a short and a long clip.
- `python -m benchmarks.tiles`: peak memory and time in tiles.
- `python -m benchmarks.kernels`: kernels of the flow networks, compared with plain PyTorch.
- `python -m benchmarks.editor_round_trip`: time of a frame between the OpenFX plugin and the worker.
- `python -m benchmarks.busy_cores`: CPU time and wall time while other programs use the cores.
- `python -m benchmarks.formats`: properties that are kept per file format.
- `python -m benchmarks.encoding`: size, similarity and CPU time of x264's presets on stylized clips.
- `python -m benchmarks.frame_hashes`: hashes of frames before and after a change.
"""

from __future__ import annotations

from vst.heap import keep_freed_memory
from vst.openmp import wait_asleep

wait_asleep()
keep_freed_memory()
