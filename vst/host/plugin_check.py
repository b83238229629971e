"""Checks the installed plugins as a host sees them."""

from __future__ import annotations

import os
import struct
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from vst import __version__
from vst.errors import VstError
from vst.findings import BROKEN, OK, WARNING, Finding
from vst.host.plugin_build import find_or_build
from vst.host.plugin_install import (
    BUNDLE,
    FREI0R,
    SYSTEM_FREI0R,
    SYSTEM_OFX,
    PluginFolders,
    binary_in,
    configuration_in,
    read_configuration,
    user_folders,
)

_SECONDS = 120.0
_WIDTH, _HEIGHT = 64, 48


def check(folders: PluginFolders | None = None) -> list[Finding]:
    """Check the plugins as a host loads them, up to one stylized frame.

    Args:
        folders: Where the plugins are; None searches where hosts do, and where `vst plugin install` writes.
    """
    return list(_findings(folders))


def _findings(folders: PluginFolders | None) -> Iterator[Finding]:
    bundle = _find_bundle(folders)
    if bundle is None:
        yield Finding("OpenFX bundle", BROKEN, f"{BUNDLE} is not installed; run 'vst plugin install'")
    else:
        yield from _check_bundle(bundle)
    yield from _check_filter(folders)


def _find_bundle(folders: PluginFolders | None) -> Path | None:
    searched = [folders.ofx] if folders else [*_folders_of_hosts(), user_folders().ofx]
    return next((folder / BUNDLE for folder in searched if (folder / BUNDLE).is_dir()), None)


def _folders_of_hosts() -> list[Path]:
    named = [Path(each) for each in os.environ.get("OFX_PLUGIN_PATH", "").split(os.pathsep) if each]
    return [*named, SYSTEM_OFX]


def _check_bundle(bundle: Path) -> Iterator[Finding]:
    yield Finding("OpenFX bundle", OK, str(bundle))
    if bundle.parent in _folders_of_hosts():
        yield Finding("found by hosts", OK, "hosts search its folder")
    else:
        yield Finding(
            "found by hosts",
            WARNING,
            f"hosts search $OFX_PLUGIN_PATH and {SYSTEM_OFX}; start them with "
            f"OFX_PLUGIN_PATH={bundle.parent}",
        )
    binary, configuration = binary_in(bundle), configuration_in(bundle)
    if not binary.is_file():
        yield Finding("layout", BROKEN, f"{binary} is missing; run 'vst plugin install' again")
        return
    yield Finding("layout", OK, str(binary.relative_to(bundle)))
    findings = list(_check_configuration(configuration))
    yield from findings
    yield from _check_render(binary, with_frame=all(each.state != BROKEN for each in findings))


def _check_configuration(path: Path) -> Iterator[Finding]:
    again = "run 'vst plugin install' again"
    if not path.is_file():
        yield Finding("configuration", BROKEN, f"{path} is missing; {again}")
        return
    pairs = read_configuration(path)
    values = dict(pairs)
    styles = [value for name, value in pairs if name == "style"]
    if not styles:
        yield Finding(
            "styles", BROKEN, f"the plugin was installed without any style; train one, then {again}"
        )
    else:
        yield Finding("styles", OK, ", ".join(styles))
    python = values.get("python", "")
    if not os.access(python, os.X_OK):
        yield Finding("Python", BROKEN, f"cannot run {python or 'Python: no path is configured'}; {again}")
    else:
        yield Finding("Python", OK, python)
    version = values.get("version", "unknown")
    if version != __version__:
        yield Finding(
            "version", WARNING, f"installed by vst {version}, but this is vst {__version__}; {again}"
        )
    else:
        yield Finding("version", OK, version)


def _check_render(binary: Path, with_frame: bool) -> Iterator[Finding]:
    try:
        host = find_or_build().host
    except VstError as error:
        yield Finding("loads", WARNING, f"not checked: {error}")
        return
    commands = ["describe"]
    if with_frame:
        commands += ["set mode 1", "render 0"] if _has_second_mode(binary) else ["render 0"]
    with tempfile.TemporaryDirectory() as work:
        clip = Path(work) / "clip"
        clip.write_bytes(struct.pack("4f", 0.2, 0.5, 0.8, 1.0) * (_WIDTH * _HEIGHT))
        command = [str(host), str(binary), str(clip), str(_WIDTH), str(_HEIGHT), str(Path(work) / "out")]
        try:
            done = subprocess.run(
                command,
                input="\n".join(commands) + "\n",
                capture_output=True,
                text=True,
                errors="replace",
                timeout=_SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            yield Finding(
                "loads", BROKEN, f"the test host failed ({error}); run 'vst plugin install' again"
            )
            return
    lines = done.stdout.splitlines()
    described = next((line for line in lines if line.startswith("plugin ")), None)
    if described is None:
        reason = " ".join(done.stderr.split()) or f"exit code {done.returncode}"
        yield Finding("loads", BROKEN, f"a host cannot load it ({reason}); run 'vst plugin install' again")
        return
    yield Finding("loads", OK, described.split(";")[0])
    if not with_frame:
        return
    rendered = next((line for line in lines if line.startswith("rendered")), "")
    message = rendered.partition(" message ")[2]
    if rendered.split()[1:2] == ["0"] and done.returncode == 0:
        yield Finding("renders", OK, "the worker returned a frame")
    else:
        reason = message or " ".join(done.stderr.split()) or f"exit code {done.returncode}"
        yield Finding("renders", BROKEN, reason)


def _has_second_mode(binary: Path) -> bool:
    pairs = read_configuration(configuration_in(binary.parents[2]))
    return sum(name == "mode" for name, _ in pairs) > 1


def _check_filter(folders: PluginFolders | None) -> Iterator[Finding]:
    named = [Path(each) for each in os.environ.get("FREI0R_PATH", "").split(os.pathsep) if each]
    usual = [Path.home() / ".frei0r-1" / "lib", SYSTEM_FREI0R, Path("/usr/lib/frei0r-1")]
    searched = [folders.frei0r] if folders else [*named, *usual]
    found = next((folder / FREI0R for folder in searched if (folder / FREI0R).is_file()), None)
    if found is None:
        yield Finding("frei0r filter", WARNING, f"{FREI0R} is not installed; run 'vst plugin install'")
        return
    yield Finding("frei0r filter", OK, str(found))
    if not found.with_suffix(".conf").is_file():
        yield Finding(
            "frei0r filter", BROKEN, f"{found.with_suffix('.conf')} is missing; run 'vst plugin install'"
        )
    if found.parent not in [*named, *usual]:
        yield Finding(
            "frei0r filter",
            WARNING,
            f"hosts do not search its folder; start them with FREI0R_PATH={found.parent}",
        )
