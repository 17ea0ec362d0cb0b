"""The layout is a promise: who may import whom, and what an import costs."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "cupid_tools"
LAYERS = [
    {"", "errors", "vocab"},
    {"registry", "kmers", "io", "recipes", "processors"},
    {"interaction"},
    {"sampling"},
    {"evaluation"},
    {"models", "energy"},
    {"reproduction"},
    {"cli"},
]
LEVEL = {name: level for level, names in enumerate(LAYERS) for name in names}
MODULES = sorted(PACKAGE.rglob("*.py"))
TOOLS = sorted(path.stem for path in (PACKAGE / "cli").glob("*.py") if not path.stem.startswith("_"))
HEAVY = {"numpy", "pandas", "torch", "scipy", "sklearn", "matplotlib", "Bio", "transformers", "safetensors", "tqdm"}
HEAVY |= {"numba", "lightgbm"}


def name_of(path):
    return ".".join(("cupid_tools", *path.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(".__init__")


def imports_of(path):
    """Every module that a file imports anywhere, also inside functions, except for type checking alone."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    typing_only = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node not in typing_only:
            assert node.level == 0, f"{path}: relative import"
            yield node.module, node
            yield from ((f"{node.module}.{alias.name}", node) for alias in node.names)


def layer_of(module):
    """The part of the package that a dotted name belongs to; "" is the package itself."""
    words = module.split(".")
    return words[1] if len(words) > 1 and words[1] in LEVEL else ""


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_arrows_point_down(path):
    here = layer_of(name_of(path))
    for module, node in imports_of(path):
        if module.split(".")[0] == "cupid_tools":
            there = layer_of(module)
            assert there == here or LEVEL[there] < LEVEL[here], f"{path}:{node.lineno} imports {module}"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_torch_lives_in_models_and_argparse_in_cli(path):
    here = layer_of(name_of(path))
    roots = {module.split(".")[0] for module, _ in imports_of(path)}
    assert here == "models" or not roots & {"torch", "transformers", "safetensors"}
    used = set(re.findall(r"\bargparse\.(\w+)", path.read_text(encoding="utf-8")))
    assert here == "cli" or "argparse" not in roots or used == {"Namespace"}  # which published checkpoints hold
    assert not roots & {"pickle", "joblib", "dill", "multimolecule"}


def test_every_layer_is_known():
    parts = {path.relative_to(PACKAGE).parts[0].removesuffix(".py") for path in MODULES} - {"__init__"}
    assert parts == set(LEVEL) - {""}


@pytest.mark.parametrize("module", ["cupid_tools", *(f"cupid_tools.cli.{tool}" for tool in TOOLS)])
def test_import_and_parser_need_the_standard_library_only(module):
    code = (
        f"import sys, importlib\nmodule = importlib.import_module({module!r})\n"
        "getattr(module, 'get_parser', str)()\nprint(*{name.split('.')[0] for name in sys.modules})"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", code], cwd=PACKAGE.parent, capture_output=True, text=True, check=True
    )
    assert not set(done.stdout.split()) & HEAVY
