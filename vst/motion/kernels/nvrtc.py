"""NVRTC, NVIDIA's run-time compiler: how it is located, loaded and called."""

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
from vst.motion.kernels.sources import KernelSource

_WINDOWS = sys.platform == "win32"

_CUDA_MAJORS = (13, 12, 11)
"""Major versions of CUDA whose NVRTC is loaded by its bare name if it is in none of the folders."""


class Nvrtc:
    """A loaded NVRTC. Thread-safe.

    Attributes:
        version: Major and minor number.
        architectures: The supported compute capabilities, ascending: 90 for 9.0.
    """

    def __init__(self, library: ctypes.CDLL) -> None:
        """Query version and architectures of a loaded library.

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
        supported = (ctypes.c_int * count.value)()
        self._check(library.nvrtcGetSupportedArchs(supported))
        self.architectures = tuple(sorted(supported))

    def architecture(self, capability: tuple[int, int]) -> str:
        """The target for a device: ``sm_90``, or ``compute_90`` if the device is newer than NVRTC.

        The driver translates the latter for devices that are not older.

        Raises:
            VstError: The device is older than all supported architectures.
        """
        wanted = capability[0] * 10 + capability[1]
        if wanted in self.architectures:
            return f"sm_{wanted}"
        older = [each for each in self.architectures if each < wanted]
        if not older:
            raise VstError(
                f"the GPU has compute capability {capability[0]}.{capability[1]}; NVRTC {self} supports "
                f"{self.architectures[0]} and newer: use --device cpu, or a PyTorch built for an older CUDA"
            )
        return f"compute_{older[-1]}"

    def compile(self, source: KernelSource, architecture: str, definition: str) -> bytes:
        """Compile to machine code (``sm_``) or PTX (``compute_``).

        Args:
            source: What to compile.
            architecture: The target, from ``architecture``.
            definition: A preprocessor macro to define.

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
    """The options of NVRTC."""
    return f"--gpu-architecture={architecture}", f"-D{definition}", "--std=c++17"


@cache
def load_nvrtc() -> Nvrtc:
    """Load the NVRTC that belongs to PyTorch, else one of the system.

    Raises:
        VstError: There is none.
    """
    for candidate in find_nvrtc():
        try:
            return Nvrtc(_open(candidate))
        except OSError:
            continue
    major = _torch_major()
    package = "nvidia-cuda-nvrtc" if major is None or major > 12 else f"nvidia-cuda-nvrtc-cu{major}"
    raise VstError(
        "NVRTC, which compiles the flow kernels for the GPU, was not found beside PyTorch nor in a CUDA "
        f"toolkit: pip install {package}, or use --device cpu"
    )


def find_nvrtc() -> Iterator[str]:
    """Candidates for NVRTC, best first: paths of files, then bare names for the system's search path.

    First the packages that PyTorch's wheels depend on, then the folder of PyTorch's libraries, then a CUDA
    toolkit; in each of them first the version of CUDA that PyTorch was built for.
    """
    major = _torch_major()
    for folders in (_package_folders(), [_torch_folder()], _toolkit_folders()):
        libraries = [(path, version) for folder in folders for path, version in _libraries(folder)]
        for path, _ in sorted(libraries, key=lambda each: (each[1] != major, -each[1], each[0])):
            yield str(path)
    for version in sorted(_CUDA_MAJORS, key=lambda each: (each != major, -each)):
        yield f"nvrtc64_{version}0_0.dll" if _WINDOWS else f"libnvrtc.so.{version}"


def _torch_major() -> int | None:
    version: str | None = torch.version.cuda
    return int(version.split(".")[0]) if version else None


def _torch_folder() -> Path:
    return Path(torch.__file__).parent / "lib"


def _package_folders() -> list[Path]:
    """The library folders of NVIDIA's wheels: nvidia/cu13/lib, nvidia/cuda_nvrtc/lib, bin on Windows."""
    spec = find_spec("nvidia")
    roots = [Path(location) for location in (spec.submodule_search_locations or [])] if spec else []
    # CUDA 13's wheels for Windows have one more folder, per processor architecture.
    names = ("bin/x86_64", "bin") if _WINDOWS else ("lib",)
    return [folder for root in roots for name in names for folder in sorted(root.glob(f"*/{name}"))]


def _toolkit_folders() -> list[Path]:
    roots = [Path(os.environ[name]) for name in ("CUDA_PATH", "CUDA_HOME") if os.environ.get(name)]
    if not _WINDOWS:
        roots.append(Path("/usr/local/cuda"))
    names = ("bin/x64", "bin") if _WINDOWS else ("lib64", "lib")
    return [root / name for root in roots for name in names]


def _libraries(folder: Path) -> Iterator[tuple[Path, int]]:
    """Each NVRTC in a folder with its major version; not its builtins nor its alternative build."""
    if not folder.is_dir():
        return
    name = r"nvrtc64_(\d+)\d_\d\.dll" if _WINDOWS else r"libnvrtc(?:-[0-9a-f]+)?\.so\.(\d+)[\d.]*"
    for path in sorted(folder.iterdir()):
        match = re.fullmatch(name, path.name)
        if match:
            yield path, int(match[1])


def _open(candidate: str) -> ctypes.CDLL:
    path = Path(candidate)
    if path.is_absolute():
        # NVRTC loads its builtins by bare name, which some wheels do not make findable.
        for builtins in sorted(
            path.parent.glob("nvrtc-builtins*.dll" if _WINDOWS else "libnvrtc-builtins*.so*")
        ):
            try:
                ctypes.CDLL(str(builtins))
            except OSError:
                continue
    return ctypes.CDLL(candidate)


def _strings(texts: Sequence[str]) -> ctypes.Array[ctypes.c_char_p]:
    return (ctypes.c_char_p * len(texts))(*(text.encode() for text in texts))


def _declare(library: ctypes.CDLL) -> None:
    """Declare the argument types; ctypes would cut a pointer to the size of an int."""
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
