"""Installs the plugins where hosts search for them, with the path of this Python."""

from __future__ import annotations

import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import vst
from vst.errors import VstError, WeightsError
from vst.files import user_data_folder
from vst.host.kdenlive import EFFECT, describe_effect
from vst.host.plugin_build import Built, find_or_build

BUNDLE = "vst.ofx.bundle"
IDENTIFIER = "vst.paint"
CONFIGURATION = "vst.conf"
FREI0R = "vst_frei0r.so"

SYSTEM_OFX = Path("/usr/OFX/Plugins")
SYSTEM_FREI0R = Path("/usr/local/lib/frei0r-1")
SYSTEM_KDENLIVE = Path("/usr/share/kdenlive/effects")

_ARCHITECTURES = {"x86_64": "Linux-x86-64", "aarch64": "Linux-aarch64"}

_ICON = 64


@dataclass(frozen=True)
class PluginFolders:
    """Folders of plugins.

    Attributes:
        ofx: Holds the OpenFX bundle.
        frei0r: Holds the frei0r filter.
        kdenlive: Holds descriptions of effects for Kdenlive; None writes none.
    """

    ofx: Path
    frei0r: Path
    kdenlive: Path | None = None

    @property
    def bundle(self) -> Path:
        """The OpenFX bundle."""
        return self.ofx / BUNDLE

    @property
    def filter(self) -> Path:
        """The frei0r filter."""
        return self.frei0r / FREI0R


def user_folders() -> PluginFolders:
    """The folders of this user: the first of $OFX_PLUGIN_PATH and of $FREI0R_PATH, if set.

    OpenFX defines no folder for one user on Linux; without the variable it is one in vst's data folder.
    """
    ofx = _first_of("OFX_PLUGIN_PATH") or user_data_folder() / "OFX"
    frei0r = _first_of("FREI0R_PATH") or Path.home() / ".frei0r-1" / "lib"
    return PluginFolders(ofx, frei0r, user_data_folder().parent / "kdenlive" / "effects")


def system_folders() -> PluginFolders:
    """The folders for all users."""
    return PluginFolders(SYSTEM_OFX, SYSTEM_FREI0R, SYSTEM_KDENLIVE)


def binary_in(bundle: Path) -> Path:
    """The plugin inside a bundle; OpenFX specifies the folder's name.

    Raises:
        VstError: for a processor that OpenFX specifies no folder for.
    """
    machine = platform.machine()
    if machine not in _ARCHITECTURES:
        raise VstError(f"OpenFX specifies no folder for plugins on {machine}; expected x86_64 or aarch64")
    return bundle / "Contents" / _ARCHITECTURES[machine] / "vst.ofx"


def configuration_in(bundle: Path) -> Path:
    """The configuration file inside a bundle."""
    return bundle / "Contents" / "Resources" / CONFIGURATION


def install(folders: PluginFolders, built: Built | None = None) -> list[Path]:
    """Install both plugins, replacing those that are there.

    Args:
        folders: Where to.
        built: The compiled plugins; None uses `find_or_build`.

    Returns:
        Every file that was written.

    Raises:
        VstError: where a folder cannot be written, or the plugins cannot be compiled.
    """
    built = built or find_or_build()
    binary, configuration = binary_in(folders.bundle), configuration_in(folders.bundle)
    beside = folders.filter.with_suffix(".conf")
    try:
        icon = _icon()
        files = [
            (binary, built.ofx.read_bytes(), 0o755),
            (configuration, os.fsencode(_configuration(_styles_in(configuration))), 0o644),
            *([(configuration.with_name(f"{IDENTIFIER}.png"), icon, 0o644)] if icon is not None else []),
            (beside, os.fsencode(_configuration(_styles_in(beside))), 0o644),
            (folders.filter, built.frei0r.read_bytes(), 0o755),
        ]
        for path, data, mode in files:
            _write_file(data, path, mode)
        written = [path for path, _, _ in files]
        if folders.kdenlive is not None:
            modes = [value for name, value in read_configuration(beside) if name == "mode"]
            _write_file(describe_effect(_styles_in(beside), modes), folders.kdenlive / EFFECT, 0o644)
            written.append(folders.kdenlive / EFFECT)
    except OSError as error:
        raise VstError(
            f"cannot write {error.filename or folders.ofx} ({error.strerror}); give another folder, "
            "or run as root"
        ) from error
    return written


def uninstall(folders: PluginFolders) -> list[Path]:
    """Remove what `install` wrote.

    Returns:
        The files and folders that were removed.

    Raises:
        VstError: where a folder cannot be written.
    """
    removed = []
    try:
        if folders.bundle.is_dir():
            shutil.rmtree(folders.bundle)
            removed.append(folders.bundle)
        files = [folders.filter, folders.filter.with_suffix(".conf")]
        if folders.kdenlive is not None:
            files.append(folders.kdenlive / EFFECT)
        for path in files:
            if path.is_file():
                path.unlink()
                removed.append(path)
    except OSError as error:
        raise VstError(f"cannot remove {error.filename} ({error.strerror}); run as root") from error
    return removed


def read_configuration(path: Path) -> list[tuple[str, str]]:
    """Names and values in the order of the file."""
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    pairs = (line.partition("=") for line in lines if "=" in line and not line.startswith("#"))
    return [(name, value) for name, _, value in pairs]


def _configuration(known: Iterable[str]) -> str:
    from vst.modes import available_modes
    from vst.styles import load_catalogue

    # Projects save the index of a style, so known styles keep their positions.
    catalogue = load_catalogue().styles
    styles = list(dict.fromkeys([*known, *catalogue]))
    # Likewise for modes: vtn and itn come first, others follow when a style has weights for them.
    available = {mode for style in catalogue.values() for mode in style.modes}
    modes = list(dict.fromkeys(["vtn", "itn", *(name for name in available_modes() if name in available)]))
    stateless = [name for name in modes if not available_modes()[name].temporal]
    lines = [
        "# Written by 'vst plugin install'.",
        f"python={sys.executable}",
        f"package={Path(vst.__file__).parents[1]}",
        f"version={vst.__version__}",
        *(f"mode={name}" for name in modes),
        *(f"alone={name}" for name in stateless),
        *(f"style={name}" for name in styles),
    ]
    return "\n".join(lines) + "\n"


def _styles_in(path: Path) -> list[str]:
    if not path.is_file():
        return []
    return [value for name, value in read_configuration(path) if name == "style"]


def _icon() -> bytes | None:
    """The thumbnail of the first style that has one, as a small PNG."""
    import io

    from PIL import Image

    from vst.styles import load_catalogue

    try:
        found = next(
            (style.thumbnail for style in load_catalogue().styles.values() if style.thumbnail), None
        )
        if found is None:
            return None
        with Image.open(found) as picture:
            small = picture.convert("RGB").resize((_ICON, _ICON))
    except (OSError, WeightsError):
        return None
    data = io.BytesIO()
    small.save(data, "PNG")
    return data.getvalue()


def _write_file(data: bytes, path: Path, mode: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, made = tempfile.mkstemp(dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        os.chmod(made, mode)
        os.replace(made, path)
    except BaseException:
        Path(made).unlink(missing_ok=True)
        raise


def _first_of(variable: str) -> Path | None:
    folders = [each for each in os.environ.get(variable, "").split(os.pathsep) if each]
    return Path(folders[0]).expanduser() if folders else None
