"""Every tool keeps the manners that its users and front ends rely on."""

import ast
import configparser
import importlib
from pathlib import Path

import pytest

from cupid_tools import __version__
from tests.chain import executable

ROOT = Path(__file__).parents[2]
TOOLS = sorted(path.stem for path in (ROOT / "cupid_tools" / "cli").glob("*.py") if not path.stem.startswith("_"))
SHORT = {"-h", "-f", "-e", "-m", "-o"}
VALUES = {"TYPE,...", "TYPE-TYPE,...", "NAMES"}
TEXTS = {"device", "title"}


def parser_of(tool):
    return importlib.import_module(f"cupid_tools.cli.{tool}").get_parser()


def parsers_of(tool):
    """The parser of a tool, and those of its subcommands."""
    parser = parser_of(tool)
    return [parser, *parser.commands.values()]


def actions():
    for tool in TOOLS:
        for action in (action for parser in parsers_of(tool) for action in parser._actions):
            yield pytest.param(tool, action, id=f"{tool}:{(action.option_strings or [action.dest])[-1]}")


@pytest.fixture(scope="module")
def setup_cfg():
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    return config


def test_every_tool_is_installed_and_has_a_man_page(setup_cfg):
    scripts = setup_cfg["options.entry_points"]["console_scripts"].split("\n")
    expected = [f"{executable(tool)} = cupid_tools.cli.{tool}:main" for tool in TOOLS]
    assert sorted(filter(None, scripts)) == sorted(expected)
    pages = [line.partition(":")[0] for line in setup_cfg["build_manpages"]["manpages"].split("\n") if line]
    assert sorted(pages) == sorted(f"man/{executable(tool)}.1" for tool in TOOLS)


@pytest.mark.parametrize("name", TOOLS)
def test_help_and_version(tool, name):
    outcome = tool(name, "--help")
    assert (outcome.code, outcome.stderr) == (0, "")
    assert outcome.stdout.startswith(f"usage: {executable(name)} ")
    assert tool(name, "--version") == (0, f"{__version__}\n", "")


@pytest.mark.parametrize("name", TOOLS)
def test_an_unknown_option_is_a_usage_error(tool, name):
    outcome = tool(name, "--no-such-option")
    assert (outcome.code, outcome.stdout) == (2, "")
    assert f"{executable(name)}: ERROR: " in outcome.stderr


@pytest.mark.parametrize(("name", "action"), list(actions()))
def test_every_option_is_documented(name, action):
    assert action.help
    assert action.help[0] not in " ."
    assert not action.help.endswith(".")
    for option in action.option_strings:
        assert option.startswith("--") or option in SHORT
        assert option == option.lower()
        assert "_" not in option


def test_one_spelling_means_one_thing():
    """An option that several tools have takes the same kind of value in each."""
    seen = {}
    for name in TOOLS:
        for action in (action for parser in parsers_of(name) for action in parser._actions):
            for option in action.option_strings:
                shape = (action.nargs == 0, action.type, action.choices)
                first = seen.setdefault(option, (name, shape))
                assert first[1] == shape, f"{option} differs between {first[0]} and {name}"


@pytest.mark.parametrize("name", TOOLS)
def test_every_tool_reports(name):
    for parser in parser_of(name).commands.values() or [parser_of(name)]:
        options = {option for action in parser._actions for option in action.option_strings}
        assert {"--report", "--quiet", "--log-level", "--version", "--help"} <= options


@pytest.mark.parametrize("name", TOOLS)
def test_files_are_declared(name):
    """What is read or written is known to the runtime, which guards it: any option that is not plainly a value."""
    for parser in parsers_of(name):
        declared = {*parser.inputs, *parser.outputs, *parser.places}
        for action in parser._actions:
            plain = action.nargs == 0 or action.choices or action.type
            value = plain or action.metavar in VALUES or action.dest in TEXTS
            assert value or action.dest in declared, action.option_strings
        assert declared <= {action.dest for action in parser._actions}


def test_all_modules_are_laid_out_alike():
    """get_parser, run and main come first, in this order, and no other public name."""
    for name in TOOLS:
        tree = ast.parse((ROOT / "cupid_tools" / "cli" / f"{name}.py").read_text(encoding="utf-8"))
        functions = [node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
        assert functions[:3] == ["get_parser", "run", "main"], name
        assert all(function.startswith("_") for function in functions[3:]), name
        assert parser_of(name).description == ast.get_docstring(tree, clean=False), name
