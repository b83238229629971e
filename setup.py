"""Compiles the editor plugins into the wheel where a C compiler is there; without one, the wheel has none.

Everything else is in setup.cfg.
"""

from __future__ import annotations

import sys
from pathlib import Path

from setuptools import Distribution, find_packages, setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_py import build_py

ROOT = Path(__file__).parent
sys.path.insert(0, str(ROOT))

from vst.errors import VstError  # noqa: E402
from vst.host.plugin_build import build, find_compiler  # noqa: E402


def can_compile() -> bool:
    return sys.platform == "linux" and find_compiler() is not None


class BuildWithPlugins(build_py):
    """The package's files, and beside the plugins' sources what they compile to."""

    def run(self) -> None:
        super().run()
        if self.editable_mode or not can_compile():
            return
        try:
            build(Path(self.build_lib) / "vst" / "_plugins" / "built", sources=ROOT / "plugins")
        except VstError as error:
            # 'vst plugin install' tries again on the user's machine and then says so.
            print(f"warning: the editor plugins were not compiled: {error}", file=sys.stderr)


class PlatformDistribution(Distribution):
    """A wheel with compiled plugins in it is for this platform only."""

    def has_ext_modules(self) -> bool:
        return can_compile()


class PlatformWheel(bdist_wheel):
    """The plugins know nothing of Python, so any version will do."""

    def get_tag(self) -> tuple[str, str, str]:
        python, abi, platform = super().get_tag()
        return ("py3", "none", platform) if can_compile() else (python, abi, platform)


setup(
    packages=[*find_packages(include=["vst", "vst.*"]), "vst._plugins", "vst._weights"],
    cmdclass={"build_py": BuildWithPlugins, "bdist_wheel": PlatformWheel},
    distclass=PlatformDistribution,
)
