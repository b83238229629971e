"""NVRTC, NVIDIA's run-time compiler: found, loaded, asked."""

from __future__ import annotations

import ctypes
import os
import re
import sys
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from threading import Lock

import torch

from vst.errors import VstError
from vst.motion.kernels.sources import Source

_WINDOWS = sys.platform == "win32"

_KNOWN = (13, 12, 11)
"""Releases of CUDA whose NVRTC is asked for by name, when it was found in no folder."""


class Nvrtc:
    """One loaded NVRTC. It may be called from any thread.

    Attributes:
        version: Major and minor number.
        architectures: The compute capabilities that it knows, ascending: 90 for 9.0.
    """

    def __init__(self, library: ctypes.CDLL) -> None:
        """Ask a loaded library what it is.

        Raises:
            OSError: It is not an NVRTC of CUDA 11.2 or newer.
        """
        self._library = library
        self._lock = Lock()
        try:
            _declare(library)
        except AttributeError as error:
            raise OSError(str(error)) from error
        major, minor = ctypes.c_int(), ctypes.c_int()
        self._check(library.nvrtcVersion(ctypes.byref(major), ctypes.byref(minor)))
        self.version = major.value, minor.value
        count = ctypes.c_int()
        self._check(library.nvrtcGetNumSupportedArchs(ctypes.byref(count)))
        known = (ctypes.c_int * count.value)()
        self._check(library.nvrtcGetSupportedArchs(known))
        self.architectures = tuple(sorted(known))

    def architecture(self, capability: tuple[int, int]) -> str:
        """What to compile for a device: ``sm_90``, or ``compute_90`` for one that is newer than NVRTC.

        The driver can translate the latter, as long as the device is not older.

        Raises:
            VstError: The device is older than all that NVRTC knows.
        """
        wanted = capability[0] * 10 + capability[1]
        if wanted in self.architectures:
            return f"sm_{wanted}"
        older = [each for each in self.architectures if each < wanted]
        if not older:
            raise VstError(
                f"the GPU has compute capability {capability[0]}.{capability[1]}; NVRTC {self} knows "
                f"{self.architectures[0]} and newer: use --device cpu, or a PyTorch built for an older CUDA"
            )
        return f"compute_{older[-1]}"

    def compile(self, source: Source, architecture: str, definition: str) -> bytes:
        """What the driver loads: machine code for ``sm_``, PTX for ``compute_``.

        Args:
            source: What to compile.
            architecture: As ``architecture`` gives it.
            definition: A name that the source finds defined.

        Raises:
            VstError: It does not compile; with the first line of the compiler's log.
        """
        library = self._library
        options = compile_options(architecture, definition)
        headers = _strings(list(source.headers.values())), _strings(list(source.headers))
        program = ctypes.c_void_p()
        with self._lock:
            status = library.nvrtcCreateProgram(
                ctypes.byref(program),
                source.text.encode(),
                source.name.encode(),
                len(source.headers),
                *headers,
            )
            self._check(status)
            try:
                status = library.nvrtcCompileProgram(program, len(options), _strings(options))
                if status != 0:
                    raise VstError(
                        f"{source.name} does not compile for {architecture} with NVRTC {self}: "
                        f"{self._log(program) or self._reason(status)}; "
                        "use --device cpu, or another release of PyTorch"
                    )
                return self._read(program, "CUBIN" if architecture.startswith("sm_") else "PTX")
            finally:
                library.nvrtcDestroyProgram(ctypes.byref(program))

    def __str__(self) -> str:
        return f"{self.version[0]}.{self.version[1]}"

    def _read(self, program: ctypes.c_void_p, what: str) -> bytes:
        size = ctypes.c_size_t()
        self._check(getattr(self._library, f"nvrtcGet{what}Size")(program, ctypes.byref(size)))
        buffer = ctypes.create_string_buffer(size.value)
        self._check(getattr(self._library, f"nvrtcGet{what}")(program, buffer))
        return buffer.raw

    def _log(self, program: ctypes.c_void_p) -> str:
        lines = self._read(program, "ProgramLog").rstrip(b"\0").decode(errors="replace").splitlines()
        return next((line.strip() for line in lines if line.strip()), "")

    def _check(self, status: int) -> None:
        if status != 0:
            raise VstError(
                f"NVRTC failed with {self._reason(status)}; use --device cpu, or another PyTorch"
            )

    def _reason(self, status: int) -> str:
        text: bytes = self._library.nvrtcGetErrorString(status)
        return text.decode(errors="replace")


def compile_options(architecture: str, definition: str) -> tuple[str, ...]:
    """What NVRTC is told, which the result depends on."""
    return f"--gpu-architecture={architecture}", f"-D{definition}", "--std=c++17"


@cache
def load_nvrtc() -> Nvrtc:
    """The NVRTC that came with PyTorch, else one of the system.

    Raises:
        VstError: There is none.
    """
    for place in find_nvrtc():
        try:
            return Nvrtc(_open(place))
        except OSError:
            continue
    major = _torch_major()
    package = "nvidia-cuda-nvrtc" if major is None or major > 12 else f"nvidia-cuda-nvrtc-cu{major}"
    raise VstError(
        "NVRTC, which compiles the flow kernels for the GPU, was not found beside PyTorch nor in a CUDA "
        f"toolkit: pip install {package}, or use --device cpu"
    )


def find_nvrtc() -> Iterator[str]:
    """Where NVRTC may be, best first: paths of files, then bare names for the system's own search.

    First the packages that PyTorch's wheels depend on, then the folder of PyTorch's own libraries, then a
    CUDA toolkit; in each, first of the CUDA that PyTorch was built for.
    """
    major = _torch_major()
    for folders in (_package_folders(), [_torch_folder()], _toolkit_folders()):
        found = [(path, version) for folder in folders for path, version in _libraries(folder)]
        for path, _ in sorted(found, key=lambda each: (each[1] != major, -each[1], each[0])):
            yield str(path)
    for version in sorted(_KNOWN, key=lambda each: (each != major, -each)):
        yield f"nvrtc64_{version}0_0.dll" if _WINDOWS else f"libnvrtc.so.{version}"


def _torch_major() -> int | None:
    version: str | None = torch.version.cuda
    return int(version.split(".")[0]) if version else None


def _torch_folder() -> Path:
    return Path(torch.__file__).parent / "lib"


def _package_folders() -> list[Path]:
    """Where NVIDIA's wheels keep libraries: nvidia/cu13/lib, nvidia/cuda_nvrtc/lib, bin on Windows."""
    spec = find_spec("nvidia")
    roots = [Path(place) for place in (spec.submodule_search_locations or [])] if spec else []
    # CUDA 13's wheels for Windows have a folder for each kind of processor below.
    names = ("bin/x86_64", "bin") if _WINDOWS else ("lib",)
    return [folder for root in roots for name in names for folder in sorted(root.glob(f"*/{name}"))]


def _toolkit_folders() -> list[Path]:
    roots = [Path(os.environ[name]) for name in ("CUDA_PATH", "CUDA_HOME") if os.environ.get(name)]
    if not _WINDOWS:
        roots.append(Path("/usr/local/cuda"))
    names = ("bin/x64", "bin") if _WINDOWS else ("lib64", "lib")
    return [root / name for root in roots for name in names]


def _libraries(folder: Path) -> Iterator[tuple[Path, int]]:
    """Each NVRTC of a folder, with its CUDA's major number; not its builtins or other build (.alt)."""
    if not folder.is_dir():
        return
    name = r"nvrtc64_(\d+)\d_\d\.dll" if _WINDOWS else r"libnvrtc(?:-[0-9a-f]+)?\.so\.(\d+)[\d.]*"
    for path in sorted(folder.iterdir()):
        match = re.fullmatch(name, path.name)
        if match:
            yield path, int(match[1])


def _open(place: str) -> ctypes.CDLL:
    path = Path(place)
    if path.is_absolute():
        # NVRTC looks for its builtins by their name alone, and some wheels do not tell it where.
        for builtins in sorted(
            path.parent.glob("nvrtc-builtins*.dll" if _WINDOWS else "libnvrtc-builtins*.so*")
        ):
            try:
                ctypes.CDLL(str(builtins))
            except OSError:
                continue
    return ctypes.CDLL(place)


def _strings(texts: Sequence[str]) -> ctypes.Array[ctypes.c_char_p]:
    return (ctypes.c_char_p * len(texts))(*(text.encode() for text in texts))


def _declare(library: ctypes.CDLL) -> None:
    """Tell ctypes the arguments; a pointer that it takes for an int would lose its upper half."""
    program, number = ctypes.c_void_p, ctypes.c_int
    strings, size = ctypes.POINTER(ctypes.c_char_p), ctypes.POINTER(ctypes.c_size_t)
    numbers = ctypes.POINTER(number)
    signatures: dict[str, tuple[object, ...]] = {
        "nvrtcVersion": (numbers, numbers),
        "nvrtcGetNumSupportedArchs": (numbers,),
        "nvrtcGetSupportedArchs": (numbers,),
        "nvrtcCreateProgram": (
            ctypes.POINTER(program),
            ctypes.c_char_p,
            ctypes.c_char_p,
            number,
            strings,
            strings,
        ),
        "nvrtcCompileProgram": (program, number, strings),
        "nvrtcDestroyProgram": (ctypes.POINTER(program),),
    }
    for what in ("CUBIN", "PTX", "ProgramLog"):
        signatures[f"nvrtcGet{what}Size"] = (program, size)
        signatures[f"nvrtcGet{what}"] = (program, ctypes.c_char_p)
    for name, arguments in signatures.items():
        function = getattr(library, name)
        function.argtypes, function.restype = arguments, number
    library.nvrtcGetErrorString.argtypes = (number,)
    library.nvrtcGetErrorString.restype = ctypes.c_char_p
