"""The Python side of the editor plugins: a worker process that stylizes frames for one host.

The plugins (`plugins/`) are thin clients in C. The first render starts `vst.host.worker`, which serves all
clients of the host and ends with it. A stylized frame depends on the source frames and the parameters only:
see `engine`. `protocol` and `messages` define how client and worker communicate. `plugin_build`,
`plugin_install` and `plugin_check` compile, install and check the plugins.
"""

from __future__ import annotations
