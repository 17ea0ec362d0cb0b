"""What the forms of Galaxy ask is what the tools ask: options, defaults, choices, bounds."""

import argparse
import re
import tomllib
from dataclasses import fields
from importlib import import_module
from xml.etree import ElementTree

import pytest

from cupid_tools import __version__
from cupid_tools.cli import _options as options
from cupid_tools.models.builtin import BUILTIN, builtin_names
from cupid_tools.models.classifiers import CLASSIFIERS, VECTORS
from cupid_tools.models.types import TYPE_CLASSIFIERS
from cupid_tools.recipes import PRETRAINING, recipe_names
from tests.chain import executable
from tests.containers.recipes import TOOLS as EXECUTABLES
from tests.galaxy.server import ROOT, TOOLS, WRAPPERS

NEEDLESS = {
    "--help": "the form has a help of its own",
    "--version": "Galaxy asks for it",
    "--quiet": "what a tool says is in the details of its datasets",
    "--log-level": "what a tool says is in the details of its datasets",
    "--device": "the destination decides, and auto obeys it",
    "--blocks": "Galaxy shares work by collections",
    "--merge": "Galaxy shares work by collections",
    "--cache": "no folder outlives a job",
    "--batch-tokens": "the device decides",
    "--shard-size": "a job that was killed starts anew",
    "--implementation": "for those who test the tool",
    "--replace": "the folder of a job is empty",
    "--restart": "the folder of a job is empty",
    "--checkpoint-steps": "a job that was killed starts anew",
}
"""Options that no user of Galaxy needs, and why."""
GIVEN = {"--output", "--fasta-out", "--dropped", "--report", "--threads", "--jobs", "--weights-dir"}
"""Options that the commands give by themselves."""
SELECTED = {
    "cupid_classify": {"--curves", "--metrics", "--confusion", "--figure"},
    "cupid_filter": {"--rnas-only"},
    "cupid_pretrain": {"--ablation", "--curves"},
    "cupid_train": {"--curves"},
}
"""Wrapper -> options that a choice of the form stands for."""
LEFT_OUT = {"--format": {"swiss", "tab"}}
"""Option -> choices for which Galaxy has no datatype; that of all text would take pair tables for RNAs."""
REFUSED = {("cupid_score", "--precision"): {"int8"}, ("cupid_pretrain", "--precision"): {"fp16", "int8"}}
"""(wrapper, option) -> choices that the tool knows, and refuses."""
COMMANDS = {"cupid_classify": ("train", "predict"), "cupid_weights": ("import", "verify")}
"""Wrapper -> the subcommands that it offers; the others download, or look into folders of the server."""
KINDS = {
    options.positive_int: ("integer", 1),
    options.whole_number: ("integer", 0),
    int: ("integer", None),
    options.finite: ("float", None),
    options.fraction: ("float", 0),
}
"""What argparse makes of a value -> type of the parameter and its smallest value."""


def module_of(wrapper):
    return wrapper.removeprefix("cupid_")


def parsers_of(wrapper):
    """The parser of a wrapper's tool, or those of the subcommands that it offers."""
    parser = import_module(f"cupid_tools.cli.{module_of(wrapper)}").get_parser()
    return [parser.commands[name] for name in COMMANDS.get(wrapper, ())] or [parser]


def actions_of(wrapper):
    """The options of a wrapper's tool by their long names."""
    return {
        action.option_strings[-1]: action
        for parser in parsers_of(wrapper)
        for action in parser._actions
        if action.option_strings
    }


def asked(form):
    """(option, parameter) of all parameters of a form that stand for an option."""
    inputs = form.find("inputs")
    return [(param.get("argument"), param) for param in inputs.iter("param") if param.get("argument")]


def name_of(param):
    """The name of a parameter, which Galaxy makes of its option where it has none."""
    return param.get("name") or param.get("argument").lstrip("-").replace("-", "_")


def chosen(param):
    """The values of a select, and those that are chosen by default."""
    values = [option.get("value") for option in param.findall("option")]
    return values, [option.get("value") for option in param.findall("option") if option.get("selected") == "true"]


RECIPES = [ROOT / "cupid_tools" / "recipes" / f"{name}.toml" for name in recipe_names()]
WRITTEN = {path.stem: ElementTree.parse(path).getroot() for path in TOOLS}
NAMES = sorted(WRITTEN)
OPTIONS = [(name, option) for name in NAMES for option in actions_of(name)]


def test_every_tool_has_one_wrapper():
    assert {executable(module_of(name)) for name in NAMES} == set(EXECUTABLES)


@pytest.mark.parametrize("name", NAMES)
def test_a_wrapper_says_what_every_wrapper_should(forms, name):
    form, program = forms[name], executable(module_of(name))
    assert form.get("id") == f"cupid_{module_of(name)}"
    assert (form.get("name"), form.get("version")) == (program, f"{__version__}+galaxy0")
    command = form.find("command")
    assert (command.get("detect_errors"), command.get("oom_exit_code")) == ("exit_code", "75")
    assert form.findtext("version_command") == f"{program} --version"
    requirement = form.find("requirements/requirement")
    assert (requirement.text, requirement.get("version")) == ("cupid-tools", __version__)
    assert all("${on_string}" in output.get("label") for output in form.find("outputs"))
    for test in form.iter("test"):
        assert test.get("expect_num_outputs") or test.get("expect_failure") == "true"
        assert test.get("expect_failure") != "true" or test.find("assert_stderr") is not None
        for output in test.findall("output"):
            assert output.get("file") or output.find("assert_contents/*") is not None, output.get("name")


@pytest.mark.parametrize("name", NAMES)
def test_every_branch_of_a_form_is_tested(forms, name):
    """Every choice of a conditional, every output that has a condition, and one input that is refused."""
    form = forms[name]
    tests = list(form.iter("test"))
    for conditional in form.find("inputs").iter("conditional"):
        selector = conditional.find("param")
        values, default = chosen(selector)
        used = {
            param.get("value")
            for test in tests
            for where in test.iter("conditional")
            if where.get("name") == conditional.get("name")
            for param in where.findall("param")
            if param.get("name") == name_of(selector)
        }
        assert set(values) - set(default or values[:1]) <= used, conditional.get("name")
    made = {output.get("name") for test in tests for output in test if output.tag in ("output", "output_collection")}
    assert {output.get("name") for output in form.find("outputs")} == made
    assert any(test.get("expect_failure") == "true" for test in tests)


@pytest.mark.parametrize("name", NAMES)
def test_the_command_uses_options_that_exist(forms, name):
    command = re.sub(r"awk '.*?'", "", forms[name].findtext("command"), flags=re.DOTALL)
    used = set(re.findall(r"(?<=\s)(-[a-z]|--[a-z][a-z0-9-]*)(?=[\s=])", command))
    known = {spelling for action in actions_of(name).values() for spelling in action.option_strings}
    assert used
    assert used <= known | {"-s", "-p"}, used - known  # ln -s, mkdir -p
    assert "python" not in command


@pytest.mark.parametrize(("name", "option"), OPTIONS, ids=map(" ".join, OPTIONS))
def test_an_option_is_asked_or_given_or_of_no_need(forms, name, option):
    is_asked = any(option == argument for argument, _ in asked(forms[name]))
    command = forms[name].findtext("command")
    if option in NEEDLESS:
        assert not is_asked
        assert f"{option} " not in command
    elif option in GIVEN | SELECTED.get(name, set()):
        assert not is_asked
        assert re.search(rf"(?<=\s){option}|(?<=\s)-o" if option == "--output" else rf"(?<=\s){option}", command)
    else:
        assert is_asked, f"{option} of {name} is neither asked nor told in NEEDLESS or GIVEN"


@pytest.mark.parametrize("name", NAMES)
def test_what_is_asked_has_the_default_the_choices_and_the_bounds_of_the_tool(forms, name):
    known = actions_of(name)
    selectors = [conditional.find("param") for conditional in forms[name].find("inputs").iter("conditional")]
    offered = {}
    for option, param in asked(forms[name]):
        action = known[option]
        kind = param.get("type")
        if action.nargs == 0:
            _check_flag(option, param)
        elif action.choices:
            values, default = chosen(param)
            assert kind == "select", option
            assert [each for each in action.choices if each in values] == values, option
            offered.setdefault(option, set()).update(values)
            if param not in selectors:  # which has a default in any case
                assert default == ([action.default] if action.default else []), option
                assert (param.get("optional") == "true") == (action.default is None and not action.required), option
        elif kind in ("integer", "float"):
            _check_number(option, action, param)
        elif kind == "select":
            _check_names(option, action, param)
        elif kind == "boolean":  # whether to write
            assert action.dest in parsers_of(name)[0].outputs, option
            assert param.get("checked", "false") == "false", option
        elif kind == "text":
            assert param.get("value", "") == _told(action.default), option
        else:
            assert kind in ("data", "data_collection"), option
    for option, values in offered.items():  # an engine may know some of the presets
        assert values == set(known[option].choices) - LEFT_OUT.get(option, set()) - REFUSED.get((name, option), set())


def _told(default):
    return "" if default is None else ",".join(default) if isinstance(default, tuple) else str(default)


def _check_flag(option, param):
    if param.get("type") == "select":  # where other parameters depend on it
        assert chosen(param) == (["no", "yes"], ["no"]), option
    else:
        assert param.get("type") == "boolean", option
        assert (param.get("truevalue"), param.get("falsevalue")) == (option, ""), option
        assert param.get("checked", "false") == "false", option


def _check_number(option, action, param):
    """A number has the bounds of its parser, and the default that the tool's help tells as a number."""
    if action.type in KINDS:
        kind, smallest = KINDS[action.type]
        assert param.get("type") == kind, option
        assert param.get("min") == (None if smallest is None else str(smallest)), option
        assert param.get("max") == ("1" if action.type is options.fraction else None), option
    else:
        action.type(param.get("min"))
        with pytest.raises(argparse.ArgumentTypeError):
            action.type(str(int(param.get("min")) - 1))
    told = re.search(r"\(default: ([0-9.]+)\)$", action.help or "")
    defaults = {_told(action.default)} | ({told.group(1)} if told and action.default is None else set())
    assert param.get("value", "") in defaults, option
    assert (param.get("optional") == "true") == (not param.get("value")), option


def _check_names(option, action, param):
    """A select of what the tool takes as names separated by commas, or as a name that no list of choices holds."""
    values, default = chosen(param)
    if option in ("--model", "--recipe", "--encoder"):
        names = {
            "--model": [f"{BUILTIN}:{name}" for name in builtin_names()],
            "--recipe": recipe_names(),
            "--encoder": ["mini", "kmer"],
        }[option]
        assert set(names) <= set(values) or param.find("options") is not None, option
        return
    assert param.get("multiple") == "true", option
    for value in values:
        action.type(value)  # each is known
    with pytest.raises(argparse.ArgumentTypeError):
        action.type("unknown")
    assert ",".join(default) in (_told(action.default), ""), option


def test_models_of_the_package_are_offered(forms):
    for name in ("cupid_score", "cupid_explain"):
        offered = {value for param in forms[name].find("inputs").iter("param") for value in chosen(param)[0]}
        assert {f"{BUILTIN}:{each}" for each in builtin_names()} <= offered


def test_recipes_of_the_package_are_offered(forms):
    for name in ("cupid_filter", "cupid_train", "cupid_reproduce"):
        offered = {value for param in forms[name].find("inputs").iter("param") for value in chosen(param)[0]}
        assert set(recipe_names()) <= offered, name
    offered = {value for param in forms["cupid_pretrain"].find("inputs").iter("param") for value in chosen(param)[0]}
    assert set(recipe_names(PRETRAINING)) <= offered


@pytest.mark.parametrize("name", ["rnas.fa", "pairs.tsv"])
def test_inputs_are_those_of_the_demo(name):
    assert (WRAPPERS / "test-data" / name).read_bytes() == (ROOT / "test-data" / name).read_bytes()


def test_the_suite_names_every_macro_once():
    text = (WRAPPERS / "macros.xml").read_text(encoding="utf-8")
    defined = re.findall(r'<(?:xml|token) name="@?(\w+)@?"', text)
    assert len(defined) == len(set(defined))
    everything = text + "".join(path.read_text(encoding="utf-8") for path in TOOLS)
    for name in defined:
        assert f'macro="{name}"' in everything or everything.count(f"@{name}@") > 1, f"{name} is never used"


def test_numbers_that_helps_of_the_form_tell_are_those_of_classifiers_and_protocols(forms):
    """What an empty setting comes to stands in words in the form of cupid-train."""
    protocols = [tomllib.loads(path.read_text(encoding="utf-8")) for path in RECIPES]
    told = 0
    for when in forms["cupid_train"].find("inputs/conditional[@name='learned']").findall("when"):
        kind = CLASSIFIERS.load(when.get("value"))
        numbers = {field.name: field.default for part in (kind.Config, kind.Training) for field in fields(part)}
        for param in when.find("section[@name='settings']").iter("param"):
            found = re.search(r"(Protocols|Empty): ([0-9.]*[0-9])", param.get("help", ""))
            name = name_of(param)
            if found and found[1] == "Protocols":
                assert kind.reads == VECTORS
                assert {({**each["classifier"], **each["training"]})[name] for each in protocols} == {float(found[2])}
            elif found:
                assert numbers[name] == float(found[2]), (when.get("value"), name)
            told += bool(found)
    assert told > 20


def test_numbers_that_the_form_of_cupid_pretrain_tells_are_those_of_its_recipes(forms):
    folder = ROOT / "cupid_tools" / "recipes" / "pretraining"
    recipes = {name: tomllib.loads((folder / f"{name}.toml").read_text()) for name in recipe_names(PRETRAINING)}
    for param in forms["cupid_pretrain"].find("inputs/section[@name='settings']").iter("param"):
        name = name_of(param)
        for recipe, found in recipes.items():
            number = (found["network"] | found["training"])[name]
            (told,) = re.findall(rf"{recipe}: ([a-z0-9.]*[a-z0-9])", param.get("help"))
            assert type(number)(told) == number, (recipe, name)


def test_numbers_that_the_form_of_cupid_classify_tells_are_those_of_its_classifiers(forms):
    told = 0
    for when in forms["cupid_classify"].find("inputs").iter("when"):
        if when.get("value") in TYPE_CLASSIFIERS:
            kind = TYPE_CLASSIFIERS.load(when.get("value"))
            numbers = {field.name: field.default for part in (kind.Config, kind.Training) for field in fields(part)}
            for param in when.find("section[@name='settings']").iter("param"):
                found = re.search(r"Empty: ([0-9.]*[0-9])", param.get("help"))
                assert bool(found) == (numbers[name_of(param)] is not None), name_of(param)
                assert not found or numbers[name_of(param)] == float(found[1]), (when.get("value"), name_of(param))
                told += bool(found)
    assert told > 15
