"""What a host would see of the plugins that are installed."""

from __future__ import annotations

import os
import struct
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from vst import __version__
from vst.errors import VstError
from vst.host.build import find_or_build
from vst.host.install import (
    BUNDLE,
    FREI0R,
    SYSTEM_FREI0R,
    SYSTEM_OFX,
    Places,
    binary_in,
    configuration_in,
    read_configuration,
    user_places,
)

OK, WARNING, BROKEN = "ok", "warning", "broken"

_SECONDS = 120.0
_WIDTH, _HEIGHT = 64, 48


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        check: What.
        state: ok, warning or broken.
        value: What was seen, and how to mend it.
    """

    check: str
    state: str
    value: str


def check(places: Places | None = None) -> list[Finding]:
    """Look at the plugins as a host does, up to one painted frame.

    Args:
        places: Where; None looks where hosts do, and where `vst plugin install` puts them.
    """
    return list(_findings(places))


def _findings(places: Places | None) -> Iterator[Finding]:
    bundle = _find_bundle(places)
    if bundle is None:
        yield Finding("OpenFX bundle", BROKEN, f"there is no {BUNDLE}; run 'vst plugin install'")
    else:
        yield from _of_bundle(bundle)
    yield from _of_filter(places)


def _find_bundle(places: Places | None) -> Path | None:
    folders = [places.ofx] if places else [*_hosts_folders(), user_places().ofx]
    return next((folder / BUNDLE for folder in folders if (folder / BUNDLE).is_dir()), None)


def _hosts_folders() -> list[Path]:
    named = [Path(each) for each in os.environ.get("OFX_PLUGIN_PATH", "").split(os.pathsep) if each]
    return [*named, SYSTEM_OFX]


def _of_bundle(bundle: Path) -> Iterator[Finding]:
    yield Finding("OpenFX bundle", OK, str(bundle))
    if bundle.parent in _hosts_folders():
        yield Finding("found by hosts", OK, "its folder is one that hosts look into")
    else:
        yield Finding(
            "found by hosts",
            WARNING,
            f"hosts look into $OFX_PLUGIN_PATH and {SYSTEM_OFX}: start them with "
            f"OFX_PLUGIN_PATH={bundle.parent}",
        )
    binary, configuration = binary_in(bundle), configuration_in(bundle)
    if not binary.is_file():
        yield Finding("layout", BROKEN, f"{binary} is missing; run 'vst plugin install' again")
        return
    yield Finding("layout", OK, str(binary.relative_to(bundle)))
    findings = list(_of_configuration(configuration))
    yield from findings
    yield from _of_render(binary, works=all(each.state != BROKEN for each in findings))


def _of_configuration(path: Path) -> Iterator[Finding]:
    again = "run 'vst plugin install' again"
    if not path.is_file():
        yield Finding("configuration", BROKEN, f"{path} is missing; {again}")
        return
    pairs = read_configuration(path)
    values = dict(pairs)
    styles = [value for name, value in pairs if name == "style"]
    if not styles:
        yield Finding(
            "styles", BROKEN, f"none was there when the plugin was installed; train one, then {again}"
        )
    else:
        yield Finding("styles", OK, ", ".join(styles))
    python = values.get("python", "")
    if not os.access(python, os.X_OK):
        yield Finding("Python", BROKEN, f"{python or 'no Python'} cannot be run; {again}")
    else:
        yield Finding("Python", OK, python)
    version = values.get("version", "unknown")
    if version != __version__:
        yield Finding("version", WARNING, f"installed by vst {version}, this is {__version__}; {again}")
    else:
        yield Finding("version", OK, version)


def _of_render(binary: Path, works: bool) -> Iterator[Finding]:
    try:
        host = find_or_build().host
    except VstError as error:
        yield Finding("loads", WARNING, f"cannot be tried: {error}")
        return
    commands = ["describe"]
    if works:
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
            yield Finding("loads", BROKEN, f"a host that loads it does not end well ({error})")
            return
    lines = done.stdout.splitlines()
    described = next((line for line in lines if line.startswith("plugin ")), None)
    if described is None:
        reason = " ".join(done.stderr.split()) or f"exit code {done.returncode}"
        yield Finding("loads", BROKEN, f"a host cannot load it ({reason}); run 'vst plugin install' again")
        return
    yield Finding("loads", OK, described.split(";")[0])
    if not works:
        return
    rendered = next((line for line in lines if line.startswith("rendered")), "")
    message = rendered.partition(" message ")[2]
    if rendered.split()[1:2] == ["0"] and done.returncode == 0:
        yield Finding("paints", OK, "a frame came back from the worker")
    else:
        reason = message or " ".join(done.stderr.split()) or f"exit code {done.returncode}"
        yield Finding("paints", BROKEN, reason)


def _has_second_mode(binary: Path) -> bool:
    pairs = read_configuration(configuration_in(binary.parents[2]))
    return sum(name == "mode" for name, _ in pairs) > 1


def _of_filter(places: Places | None) -> Iterator[Finding]:
    named = [Path(each) for each in os.environ.get("FREI0R_PATH", "").split(os.pathsep) if each]
    usual = [Path.home() / ".frei0r-1" / "lib", SYSTEM_FREI0R, Path("/usr/lib/frei0r-1")]
    folders = [places.frei0r] if places else [*named, *usual]
    found = next((folder / FREI0R for folder in folders if (folder / FREI0R).is_file()), None)
    if found is None:
        yield Finding("frei0r filter", WARNING, f"there is no {FREI0R}; run 'vst plugin install'")
        return
    yield Finding("frei0r filter", OK, str(found))
    if not found.with_suffix(".conf").is_file():
        yield Finding(
            "frei0r filter", BROKEN, f"{found.with_suffix('.conf')} is missing; run 'vst plugin install'"
        )
    if found.parent not in [*named, *usual]:
        yield Finding(
            "frei0r filter", WARNING, f"hosts do not look there: start them with FREI0R_PATH={found.parent}"
        )
