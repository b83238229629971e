"""Renders and batches on the machines of a Ray cluster, or on all cores of this one through Ray.

Segments of a job (`vst.batch.farm`) are rendered by worker processes, one for each GPU or for so many CPUs
as a render has threads. Only paths, settings and numbers travel: every node reads the clip and writes
segments in folders that all nodes see.

`ray_cluster` alone knows Ray. `scheduler` hands `works` to the workers of a `fleet`, and `node_worker` does
them on the nodes.
"""

from __future__ import annotations
