"""The pipeline's parameters are the options of the tools, and its modules use no other."""

import json
import re
from pathlib import Path

import pytest

from cupid_tools import __version__
from nextflow import schema

ROOT = Path(__file__).parents[2]
PIPELINE = ROOT / "nextflow"
MODULES = {path.stem.upper(): path.read_text(encoding="utf-8") for path in (PIPELINE / "modules").glob("*.nf")}
WRITTEN = {
    path.relative_to(PIPELINE).as_posix(): path.read_text(encoding="utf-8")
    for kind in ("*.nf", "*.config", "*.groovy")
    for path in PIPELINE.rglob(kind)
}
PROCESSES = [executable.upper().replace("-", "_") for executable in map(schema.executable, schema.TOOLS)]
PROCESSES += ["CUPID_EMBED_MERGE", "CUPID_SCORE_MERGE", "CUPID_RANK", "CUPID_RANK_MERGE", "INTARNA_COMPARE_MERGE"]
NEEDLESS = {"help", "quiet", "log-level", "cache"}
"""Options that neither a user of the pipeline nor the pipeline has a use for."""
UNUSED = {
    "filter": {"rnas-only"},
    "split": {"types"},  # these tools find types in the headers that cupid-filter wrote
    "augment": {"types"},
    "negatives": {"types"},
    "train": {"types"},
    "intarna_compare": {"comparison"},  # the report of cupid-evaluate has the energies too
    "explain": {"embeddings"},  # they would save the first scores only
}
"""Tool -> those of its options that the pipeline could give, and has no use for."""


def given():
    return set().union(*schema.GIVEN.values())


def parameters():
    groups = json.loads(schema.PATH.read_text(encoding="utf-8"))["$defs"].values()
    return {name: what for group in groups for name, what in group["properties"].items()}


def options(tool):
    """The long options of a tool, without their hyphens."""
    return {option[2:] for action in schema.parser_of(tool)._actions for option in action.option_strings[-1:]}


def section(text, name):
    """What stands below a name such as ``script:`` in a process."""
    found = re.search(rf"^    {name}:\n(.*?)(?=^    \w+:\n|^}})", text, re.MULTILINE | re.DOTALL)
    return found and found[1]


def tool_of(text):
    """The one program that a module runs, as the name of its module in Python."""
    (program,) = set(re.findall(r"^    ((?:cupid|intarna)-[a-z]+)", section(text, "script"), re.MULTILINE))
    return next(tool for tool in schema.TOOLS if schema.executable(tool) == program)


def flags_of(text):
    """The long options in the script of a module; one that is made of a list stands there by the list's names."""
    script = section(text, "script")
    named = re.findall(r"\[((?:\w+: \w+(?:, )?)+)\]", script) if "--${" in script else []
    listed = {name for names in named for name in re.findall(r"(\w+):", names)}
    return set(re.findall(r"--([a-z][a-z-]*)", script)) | listed


def test_the_schema_is_made_from_the_parsers():
    assert schema.PATH.read_text(encoding="utf-8") == schema.text(), "options have changed: run 'make schema'"


def test_every_option_is_a_parameter_or_given_by_the_pipeline():
    known = parameters()
    for tool in schema.TOOLS:
        program = schema.executable(tool)
        set_by_user = {
            what.get("flag", "--" + name.replace("_", "-"))[2:]
            for name, what in known.items()
            if program in what.get("tools", ())
        }
        assert not set_by_user & given(), tool
        assert set_by_user | (given() & options(tool)) == options(tool), tool


def test_the_tables_of_the_schema_name_what_exists():
    everywhere = set().union(*map(options, schema.TOOLS))
    assert given() <= everywhere | {"rankings"}
    assert all(option in {name.replace("-", "_") for name in options(tool)} for tool, option in schema.RENAMED)
    assert {*schema._EXTRA, *schema._REACHES} <= parameters().keys()


def test_no_parameter_stands_in_two_groups():
    groups = json.loads(schema.PATH.read_text(encoding="utf-8"))
    names = [name for group in groups["$defs"].values() for name in group["properties"]]
    assert sorted(names) == sorted(set(names))
    assert [each["$ref"] for each in groups["allOf"]] == [f"#/$defs/{name}" for name in groups["$defs"]]
    assert all(re.fullmatch("[a-z]+(_[a-z]+)*", name) for name in names)


def test_what_configuration_files_read_is_marked():
    read = {
        name
        for path, text in WRITTEN.items()
        if path.endswith(".config")
        for name in re.findall(r"\bparams\.(\w+)", text)
    }
    assert read
    assert {name for name, what in parameters().items() if what.get("config")} == read


def test_every_workflow_names_the_files_it_needs():
    for workflow in schema.WORKFLOWS:
        needed = {name for name, what in parameters().items() if workflow in what.get("needed", ())}
        assert {"fasta"} <= needed <= {name for name, what in parameters().items() if workflow in what["workflows"]}


def test_settings_of_some_classifiers_know_them():
    known = parameters()
    assert known["hidden_size"]["classifiers"] == ["mlp", "mlp-symmetric"]
    assert known["leaves"]["classifiers"] == ["boosting"]
    assert "classifiers" not in known["seed"]


def test_there_is_one_process_for_each_job():
    assert sorted(MODULES) == sorted(PROCESSES)
    for name, text in MODULES.items():
        assert re.findall(r"^process (\w+)", text, re.MULTILINE) == [name]


@pytest.mark.parametrize("name", PROCESSES)
def test_a_process_has_all_that_a_process_should(name):
    text = MODULES[name]
    assert re.search(r'^    tag "\$\{meta\.id\}', text, re.MULTILINE)
    assert re.search(r"^    label 'process_(single|low|medium|high)'$", text, re.MULTILINE)
    assert re.search(r"emit: versions$", section(text, "output"), re.MULTILINE)
    assert f"eval('{schema.executable(tool_of(text))} --version')" in text
    assert all(re.search(r"emit: \w+$", line) for line in section(text, "output").split("\n") if line.strip())
    assert section(text, "stub")


@pytest.mark.parametrize("name", PROCESSES)
def test_every_flag_of_a_process_is_an_option_of_its_tool(name):
    text = MODULES[name]
    assert flags_of(text)
    assert flags_of(text) <= options(tool_of(text)) & given()


@pytest.mark.parametrize("tool", schema.TOOLS)
def test_what_the_pipeline_gives_it_does_give(tool):
    texts = [text for text in MODULES.values() if tool_of(text) == tool]
    used = set().union(*(flags_of(text) for text in texts)) | {"version"}
    assert options(tool) & given() - used == options(tool) & (NEEDLESS | UNUSED.get(tool, set()))


@pytest.mark.parametrize("tool", schema.TOOLS)
def test_what_the_user_sets_reaches_the_process(tool):
    assert any("${flags}" in section(text, "script") for text in MODULES.values() if tool_of(text) == tool)
    calls = [text for path, text in WRITTEN.items() if path.endswith(".nf")]
    assert any(f"options('{schema.executable(tool)}'" in text for text in calls)


def modules_of(path):
    """The modules that a script includes, itself or through others."""
    includes = re.findall(r"^include \{[^}]*\} from '([^']+)'", WRITTEN[path], re.MULTILINE)
    found = set()
    for include in includes:
        target = (PIPELINE / path).parent.joinpath(f"{include}.nf").resolve().relative_to(PIPELINE).as_posix()
        found |= {Path(target).stem.upper()} if target.startswith("modules/") else modules_of(target)
    return found


def test_a_workflow_runs_the_tools_that_the_schema_names():
    by_script = {}
    for workflow, tools in schema.WORKFLOWS.items():
        by_script.setdefault(workflow.split()[0], set()).update(tools)
    found = {name: {tool_of(MODULES[module]) for module in modules_of(f"workflows/{name}.nf")} for name in by_script}
    assert found == by_script


def test_every_parameter_of_the_pipeline_itself_is_used():
    everything = "\n".join(WRITTEN.values())
    for name, what in parameters().items():
        if "tools" not in what and not what.get("hidden"):
            assert re.search(rf"params\.{name}\b|'{name}'|row\.{name}\b", everything), name


def test_the_configuration_repeats_the_defaults_of_the_schema():
    known = parameters()
    (block,) = re.findall(r"^params \{\n(.*?)^}", WRITTEN["nextflow.config"], re.MULTILINE | re.DOTALL)
    settings = re.findall(r"^    (\w+) = (.+)$", block, re.MULTILINE)
    assert settings
    for name, text in [each for each in settings if not known[each[0]].get("hidden")]:
        value, default = text.strip("'\""), known[name].get("default")
        assert value == (default if isinstance(default, str) else json.dumps(default)), name


def test_the_pipeline_has_the_version_of_the_package():
    assert re.search(r"^    version = '(.*)'$", WRITTEN["nextflow.config"], re.MULTILINE).group(1) == __version__
    assert f"container = 'cupid-tools:{__version__}'" in WRITTEN["nextflow.config"]
