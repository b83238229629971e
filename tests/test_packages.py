"""Packages import each other in one direction only, and stay small."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import vst

PACKAGE = Path(vst.__file__).parent

LAYERS = (
    {"cli"},
    {"pipeline", "batch", "train", "evaluate", "host"},
    {"keyframes"},
    {"modes", "postprocess", "media", "motion", "styles", "synthetic"},
    {"nn", "losses"},
)
"""From the top. Single files (`errors`, `frame` and others) are below all packages."""

SAME_LAYER = {
    "batch": {"pipeline"},
    "evaluate": {"pipeline"},
    "host": {"pipeline"},
    "modes": {"motion", "styles"},
    "motion": {"styles"},
}
"""What a package may import from its own layer: batch, host and evaluate call the pipeline, and stylizers
and flow networks have weights."""

PACKAGES = set().union(*LAYERS)

MAX_MODULE, MAX_FUNCTION, MAX_ATTRIBUTES = 400, 80, 12
"""Lines of a module and a function, attributes of a class."""


def allowed(package: str) -> set[str]:
    """The packages that one may import; none for a single file."""
    layer = next((number for number, names in enumerate(LAYERS) if package in names), len(LAYERS))
    return {package, *SAME_LAYER.get(package, ())}.union(*LAYERS[layer + 1 :])


def imports(file: Path) -> Iterator[str]:
    """The packages that a file imports, inside functions too."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
            if node.module == "vst":
                names = [f"vst.{each.name}" for each in node.names]
        elif isinstance(node, ast.Import):
            names = [each.name for each in node.names]
        else:
            continue
        for name in names:
            root, _, rest = name.partition(".")
            if root == "vst" and rest.partition(".")[0] in PACKAGES:
                yield rest.partition(".")[0]


def nodes(*kinds: type[ast.AST]) -> Iterator[tuple[str, ast.AST]]:
    """All syntax nodes of some kinds in the package, with `file:name`."""
    for file in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, kinds):
                yield f"{file.relative_to(PACKAGE)}:{getattr(node, 'name', '')}", node


def attributes(node: ast.ClassDef) -> set[str]:
    """The fields of a class and what its methods assign to `self`."""
    fields = {
        each.target.id
        for each in node.body
        if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name)
    }
    assigned = {
        each.attr
        for each in ast.walk(node)
        if isinstance(each, ast.Attribute)
        and isinstance(each.ctx, ast.Store)
        and isinstance(each.value, ast.Name)
        and each.value.id == "self"
    }
    return fields | assigned


def test_every_package_has_a_layer():
    assert {each.parent.name for each in PACKAGE.glob("*/__init__.py")} == PACKAGES


@pytest.mark.parametrize("package", sorted(PACKAGES))
def test_a_package_imports_only_from_lower_layers(package):
    wrong = {
        f"{file.relative_to(PACKAGE)} imports {used}"
        for file in (PACKAGE / package).rglob("*.py")
        for used in imports(file)
        if used not in allowed(package)
    }
    assert wrong == set()


def test_single_files_import_no_package():
    # The package itself exports the public names of all packages, and `python -m vst` is the command.
    files = [each for each in PACKAGE.glob("*.py") if each.stem not in ("__init__", "__main__")]
    assert {each.stem for each in files} >= {"errors", "frame"}
    assert [f"{each.name} imports {used}" for each in files for used in imports(each)] == []


def test_an_import_from_a_higher_or_the_same_layer_is_found(tmp_path):
    file = tmp_path / "plan.py"
    file.write_text("def plan():\n    from vst.batch.runner import run\n    import vst.cli\n")
    assert [each in allowed("evaluate") for each in imports(file)] == [False, False]
    assert "motion" in allowed("evaluate")
    assert "media" not in allowed("nn")


def test_modules_are_short():
    lines = {
        str(file.relative_to(PACKAGE)): len(file.read_text(encoding="utf-8").splitlines())
        for file in PACKAGE.rglob("*.py")
    }
    assert {name: count for name, count in lines.items() if count > MAX_MODULE} == {}


def test_functions_are_short():
    functions = nodes(ast.FunctionDef, ast.AsyncFunctionDef)
    lines = {name: node.end_lineno - node.lineno + 1 for name, node in functions}
    assert {name: count for name, count in lines.items() if count > MAX_FUNCTION} == {}


def test_a_class_with_many_attributes_says_why():
    wide = {
        name: len(attributes(node))
        for name, node in nodes(ast.ClassDef)
        if len(attributes(node)) > MAX_ATTRIBUTES
        and "Many attributes:" not in (ast.get_docstring(node) or "")
    }
    assert wide == {}
