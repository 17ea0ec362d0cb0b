"""Write nextflow_schema.json: the parameters of the pipeline, from the parsers of the tools and a table of its own.

``make schema`` runs it. ``lib/Parameters.groovy`` checks what a user gives against the result and prints ``--help``
from it, and launchers that know JSON schemas draw forms.

Beside what JSON Schema defines, a parameter has:
    tools: who gets it.
    flag: the option of those tools, where it is not the parameter's name.
    workflows: the workflows that use it -> which tools get it there; "compare --model" is compare with a given model.
    reads_vectors: which classifiers read vectors, and not sequences.
    classifiers: those that have this setting, where it is not all.
    needs: the parameter without which it does nothing.
    required_in: the workflows that do not run without it.
    data_set: true where it belongs to one data set; a samplesheet has a column of this name.
    needed: the workflows that need this column -> which of the choices there, each a set of columns, it belongs to.
    config: true where configuration files read it, which know the name with underscores alone.
    told: true where the default is the pipeline's own, and the tools are told it.
    made: true for a folder that need not exist.
    says: what its pattern allows, in words.
    rankings: true where the option belongs to queries and targets, not to a pair table.
    listed: true where the option belongs to a pair table, not to queries and targets.
    merging: true where also the task that joins all blocks gets it.
    some_of: what a list that is separated by commas may hold.
    names: what is no file, of a value that is one of these or else a file.
    prefixes: what stands before a file -> what that is, of a value that is one of ``names`` or else has one of these.
    list: true where the value is several, separated by commas.
    bytes: true for a size in bytes.
    metavar: what stands for the value in ``--help``.
"""

from __future__ import annotations

import argparse
import inspect
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import fields
from importlib import import_module
from pathlib import Path
from typing import Any

from cupid_tools import __version__
from cupid_tools.cli import _options as options
from cupid_tools.cli._runtime import ToolParser
from cupid_tools.models.builtin import BUILTIN, DEFAULT_MODEL, builtin_names
from cupid_tools.models.classifiers import CLASSIFIERS, VECTORS
from cupid_tools.models.encoders import ENCODERS, WITH_PATH
from cupid_tools.recipes import recipe_names

PATH = Path(__file__).parent / "nextflow_schema.json"

_TRAINED = ("filter", "split", "augment", "negatives", "embed", "train", "score", "evaluate", "explain")
WORKFLOWS = {
    "train": _TRAINED,
    "score": ("embed", "score", "explain"),
    "compare": (*_TRAINED, "intarna_compare"),
    "compare --model": ("embed", "score", "intarna_compare", "evaluate", "explain"),
    "embed": ("embed",),
    "reproduce": ("reproduce",),
}
"""Workflow -> the modules of ``cupid_tools.cli`` whose tools it runs; two of them are one to its user."""

TOOLS = tuple(dict.fromkeys(tool for tools in WORKFLOWS.values() for tool in tools))

GIVEN = {
    "common": {"help", "version", "quiet", "log-level", "report"},
    "outputs": {"output", "fasta-out", "dropped", "comparison"},
    "files that are passed on": {"curves", "embeddings", "explanations"},
    "data set": {"fasta", "types", "groups", "genes", "queries", "targets", "model"},
    "computing": {"threads", "jobs", "device", "blocks", "merge"},
    "workflow": {"rnas-only", "classifier"},
    "of no use": {"cache"},  # a folder that tasks share exists in no container
}
"""The options of tools that the pipeline itself gives or has no use for, by their kind: these are no parameters."""

RENAMED = {
    ("augment", "splits"): "augment_splits",
    ("intarna_compare", "splits"): "compare_splits",
    ("intarna_compare", "shuffles"): "compare_shuffles",
    ("score", "shuffles"): "score_shuffles",
    ("embed", "precision"): "embed_precision",
    ("score", "precision"): "score_precision",
    ("evaluate", "title"): "evaluate_title",
    ("explain", "title"): "explain_title",
    ("explain", "top"): "explain_top",
}
"""(tool, option) -> parameter, where the same option is another thing in another tool, or says too little alone."""

_NETS = [name for name in CLASSIFIERS if CLASSIFIERS.load(name).reads == VECTORS]
_EXTRA: dict[str, dict[str, Any]] = {
    "recipe": {"names": recipe_names(), "classifiers": _NETS},
    "encoder": {
        "names": [name for name in ENCODERS if name not in WITH_PATH],
        "prefixes": {f"{name}:": what for name, what in WITH_PATH.items()},
    },
    "weights_dir": {"format": "directory-path"},
    "top_k": {"rankings": True},
    "format": {"merging": True},
    "score_shuffles": {"rankings": True},
    "score_precision": {"classifiers": _NETS},
    "compare_splits": {"default": "valid,test", "told": True},  # energies of train rows judge nothing
    "explain_top": {"pattern": "^(all|[1-9][0-9]*)$", "says": "all, or a number from 1 on"},
}
"""What no parser tells of a parameter."""

_READ_FIRST = {"train": ["filter"], "compare": ["filter"]}  # the others read the FASTA that cupid-filter wrote
_OF_NO_MODEL: dict[str, list[str]] = {"score": [], "compare --model": []}  # the model says what made its vectors
_OF_RANKINGS: dict[str, list[str]] = {"train": [], "compare": [], "compare --model": []}
_REACHES: dict[str, dict[str, list[str]]] = {
    "format": _READ_FIRST,
    "encoder": _OF_NO_MODEL,
    "pooling": _OF_NO_MODEL,
    "long": _OF_NO_MODEL,
    "overlap": _OF_NO_MODEL,
    "top_k": _OF_RANKINGS,
    "score_shuffles": _OF_RANKINGS,
}
"""Parameter -> workflow -> modules that get it there, where these are not all that have it."""

_KINDS: dict[Any, dict[str, Any]] = {
    options.positive_int: {"type": "integer", "minimum": 1},
    options.whole_number: {"type": "integer", "minimum": 0},
    int: {"type": "integer"},
    options.finite: {"type": "number"},
    options.fraction: {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
}


def schema() -> dict[str, Any]:
    """The whole JSON schema."""
    groups = {**_own_groups(), **_tool_groups()}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "cupid-tools: parameters of the Nextflow pipeline",
        "description": "Do two non-coding RNAs interact, and how far can one trust the answer",
        "type": "object",
        "$defs": groups,
        "allOf": [{"$ref": f"#/$defs/{name}"} for name in groups],
    }


def text() -> str:
    """The file, byte for byte."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


def executable(tool: str) -> str:
    """The program of a module of ``cupid_tools.cli``."""
    return parser_of(tool).prog


def parser_of(tool: str) -> ToolParser:
    """The parser of a module of ``cupid_tools.cli``."""
    parser: ToolParser = import_module(f"cupid_tools.cli.{tool}").get_parser()
    return parser


def settable(tool: str) -> Iterator[tuple[str, argparse.Action]]:
    """Parameter and option, of all options that a user of the pipeline sets."""
    given = set().union(*GIVEN.values())
    for action in parser_of(tool)._actions:
        option = _option(action)
        if option and option not in given:
            yield RENAMED.get((tool, option), option.replace("-", "_")), action


def _option(action: argparse.Action) -> str:
    return action.option_strings[-1].removeprefix("--") if action.option_strings else ""


def _tool_groups() -> dict[str, Any]:
    """One group for the parameters that several tools get, and one for those of each tool."""
    found: dict[str, list[tuple[str, argparse.Action]]] = {}
    for tool in TOOLS:
        for name, action in settable(tool):
            found.setdefault(name, []).append((tool, action))
    groups = {"several_tools": _group("Several tools", "what more than one tool is told")}
    for tool in TOOLS:
        groups[tool] = _group(executable(tool), _summary(tool))
    for name, uses in found.items():
        groups["several_tools" if len(uses) > 1 else uses[0][0]]["properties"][name] = _parameter(name, uses)
    return {name: group for name, group in groups.items() if group["properties"]}


def _summary(tool: str) -> str:
    """The first sentence of the tool's help, without its final stop."""
    sentence = re.split(r"\.\s", f"{parser_of(tool).description} ", maxsplit=1)[0]
    return " ".join(sentence.split())


def _group(title: str, description: str, required: Iterable[str] = (), **properties: Any) -> dict[str, Any]:
    group = {"title": title, "type": "object", "description": description, "properties": properties}
    return group | {"required": list(required)} if required else group


def _parameter(name: str, uses: list[tuple[str, argparse.Action]]) -> dict[str, Any]:
    kinds = [_kind(action) for _, action in uses]
    assert all(kind == kinds[0] for kind in kinds), f"{name} takes different values in different tools"
    tools = [tool for tool, _ in uses]
    flag = f"--{_option(uses[0][1])}"
    return (
        kinds[0]
        | _classifiers_of(name, tools)
        | _EXTRA.get(name, {})
        | _told(name, {executable(tool): action for tool, action in uses}, kinds[0]["type"])
        | ({} if flag == "--" + name.replace("_", "-") else {"flag": flag})
        | ({"needs": "explain", "listed": True} if tools == ["explain"] else {})
        | {"tools": [executable(tool) for tool in tools], "workflows": _used_by(name, tools)}
    )


def _used_by(name: str, tools: list[str]) -> dict[str, list[str]]:
    reached = {
        workflow: [executable(tool) for tool in _REACHES.get(name, {}).get(workflow, used) if tool in tools]
        for workflow, used in WORKFLOWS.items()
    }
    return {workflow: programs for workflow, programs in reached.items() if programs}


def _told(name: str, uses: dict[str, argparse.Action], kind: str) -> dict[str, Any]:
    """Description and default, as the help of the tools tells them; the default may be the pipeline's own."""
    helps = {tool: _help(tool, action) for tool, action in uses.items()}
    defaults = {_told_default(tool, action) for tool, action in uses.items()}
    default = defaults.pop() if len(defaults) == 1 else None
    if default is not None:
        helps = {tool: told.replace(_in_help(default), "") for tool, told in helps.items()}
        default = str(default) if kind == "string" else default
    if "default" in _EXTRA.get(name, {}):
        helps = {tool: re.sub(r" \(default: [^)]*\)$", "", told) for tool, told in helps.items()}
    alike = len(set(helps.values())) == 1
    description = next(iter(helps.values())) if alike else "; ".join(f"{tool}: {told}" for tool, told in helps.items())
    return ({} if default is None else {"default": default}) | {"description": description}


def _kind(action: argparse.Action) -> dict[str, Any]:
    metavar = {"metavar": action.metavar} if action.metavar else {}
    if action.nargs == 0:
        return {"type": "boolean"}
    if action.choices:
        return {"type": "string", "enum": list(action.choices)}
    if action.type in _KINDS:
        return _KINDS[action.type] | metavar
    if action.type is options.encoder:
        return {
            "type": "string",
            "pattern": _pattern([f"{name}:.+" if name in WITH_PATH else name for name in ENCODERS]),
        } | metavar
    if getattr(action.type, "__qualname__", "").startswith(options.some_of.__name__):
        names = list(inspect.getclosurevars(action.type).nonlocals["names"])  # type: ignore[arg-type]
        return {"type": "string", "pattern": _pattern(names, several=True), "some_of": names} | metavar
    return {"type": "string"} | metavar


def _pattern(names: Iterable[str], *, several: bool = False) -> str:
    one = f"({'|'.join(names)})"
    return f"^{one}(,{one})*$" if several else f"^{one}$"


def _help(program: str, action: argparse.Action) -> str:
    """The help text as a user of the tool reads it."""
    formatter = argparse.HelpFormatter(program)
    return formatter._expand_help(action) if action.help else ""


def _in_help(default: object) -> str:
    return f" (default: {default})"


def _told_default(program: str, action: argparse.Action) -> Any:
    """The default, where the help tells it as it is; None where it is told in words, or not at all."""
    default = ",".join(action.default) if isinstance(action.default, tuple) else action.default
    return default if _in_help(default) in _help(program, action) else None


def _classifiers_of(name: str, tools: list[str]) -> dict[str, list[str]]:
    """Which classifiers have a setting, or vectors to make; nothing where all do."""
    if "train" not in tools:
        return {"classifiers": _NETS} if "embed" in tools and tools[0] == "embed" else {}
    kinds = {classifier: CLASSIFIERS.load(classifier) for classifier in CLASSIFIERS}
    having = [
        classifier
        for classifier, kind in kinds.items()
        if name in {field.name for part in (kind.Config, kind.Training) for field in fields(part)}
    ]
    return {"classifiers": having} if having and len(having) < len(kinds) else {}


def _own_groups() -> dict[str, Any]:
    """What the pipeline itself is told."""
    return {
        key: _group(title, description, ["outdir"] if "outdir" in own else (), **own)
        for key, title, description, own in _OWN
    }


def _own(type: str, description: str, *workflows: str, **more: Any) -> dict[str, Any]:
    return {
        "type": type,
        **more,
        "description": description,
        "workflows": {name: [] for name in workflows or WORKFLOWS},
    }


def _file(description: str, metavar: str, *workflows: str, **more: Any) -> dict[str, Any]:
    return _own("string", description, *workflows, format="file-path", metavar=metavar, **more)


def _column(description: str, metavar: str, *workflows: str, choice: int = 0) -> dict[str, Any]:
    needed = {"needed": dict.fromkeys(workflows or WORKFLOWS, choice)} if choice else {}
    return _file(description, metavar, *workflows, data_set=True, **needed)


def _size(description: str, default: str, *workflows: str) -> dict[str, Any]:
    pattern = r"^\d+(\.\d+)?([ .]?[KMGT]B| ?B)$"
    return _own("string", description, *workflows, default=default, bytes=True, pattern=pattern, metavar="SIZE")


_JUDGED = ("train", "compare", "compare --model")
_SCORED = (*_JUDGED, "score")
_RECIPES = recipe_names()
_MODELS = [BUILTIN, *(f"{BUILTIN}:{name}" for name in builtin_names())]
_TAKEN = ["pipeline_info", "multiqc", "README.md"]  # what the pipeline itself writes into --outdir
_OWN: list[tuple[str, str, str, dict[str, Any]]] = [
    (
        "input_and_output",
        "Input and output",
        "one or several data sets, and where results go",
        {
            "workflow": _own(
                "string", "what to do", default="train", enum=[name for name in WORKFLOWS if " " not in name]
            ),
            "input": _file(
                "samplesheet: a CSV with a data set in each row and the names of its files as columns", "CSV"
            ),
            "name": _own(
                "string",
                "name of the data set, where files are given without --input",
                default="data",
                pattern=rf"^(?!({'|'.join(map(re.escape, _TAKEN))})$)[A-Za-z0-9][A-Za-z0-9._-]*$",
                says=f"letters, digits, '.', '_' and '-', first a letter or digit; not {', '.join(_TAKEN)}",
                data_set=True,
                metavar="NAME",
            ),
            "fasta": _column("the RNAs, plain or gzip", "FASTA", choice=1),
            "pairs": _column("pair table", "TSV", *_SCORED, "reproduce", choice=1),
            "types": _column("table of id and type that overrides type= in the headers", "TSV"),
            "groups": _column(
                "table of id and group: who is related, instead of by sequence", "TSV", *_JUDGED, "reproduce"
            ),
            "genes": _column("table of id and gene: pairs of genes are judged", "TSV", *_JUDGED),
            "queries": _column("RNAs, each of which gets a ranking", "FASTA", "score", choice=2),
            "targets": _column("RNAs that are ranked", "FASTA", "score", choice=2),
            "model": _own(
                "string",
                f"model made by cupid-train, or one that comes with the package: {', '.join(_MODELS[1:])}; {BUILTIN} "
                f"is {BUILTIN}:{DEFAULT_MODEL}",
                "score",
                "compare --model",
                names=_MODELS,
                required_in=["score"],
                metavar="MODEL",
            ),
            "outdir": _own(
                "string",
                "folder of results",
                config=True,
                default="results",
                format="directory-path",
                made=True,
                metavar="FOLDER",
            ),
            "publish_dir_mode": _own(
                "string",
                "how results get from the work folder into --outdir",
                config=True,
                default="copy",
                enum=["copy", "link", "rellink", "symlink"],
            ),
        },
    ),
    (
        "steps",
        "Steps",
        "what the pipeline does beyond one tool after the other",
        {
            "classifiers": _own(
                "string",
                f"each is trained, and all are judged in one report; some of {', '.join(CLASSIFIERS)}, separated by "
                "commas",
                "train",
                "compare",
                reads_vectors=_NETS,
                default="blend,mlp",
                pattern=_pattern(CLASSIFIERS, several=True),
                some_of=list(CLASSIFIERS),
                metavar="NAME,...",
            ),
            "explain": _own("boolean", "also draw where the best pairs pair", *_SCORED, listed=True, default=False),
            "recipes": _own(
                "string",
                f"published protocols to repeat, separated by commas: {', '.join(_RECIPES)}, or paths of TOML files "
                "like them",
                "reproduce",
                default=",".join(_RECIPES),
                names=_RECIPES,
                list=True,
                metavar="NAME,...",
            ),
        },
    ),
    (
        "blocks",
        "Blocks",
        "how much one task does; smaller blocks make more tasks",
        {
            "embed_block": _size("FASTA that one task embeds", "8.MB", *_SCORED, "embed"),
            "score_block": _size("pair table that one task scores", "64.MB", *_SCORED),
            "rank_block": _own(
                "integer",
                "pairs of a query and a target that one task scores",
                "score",
                default=10_000_000,
                minimum=1,
                metavar="N",
            ),
            "energy_block": _size(
                "pair table whose energies one task computes", "128.KB", "compare", "compare --model"
            ),
        },
    ),
    (
        "resources",
        "Resources",
        "what tasks run on; process.resourceLimits in a configuration says how much a task may have",
        {
            "gpus": _own(
                "integer",
                "with -profile gpu: tasks of one step that use a GPU at once",
                config=True,
                default=1,
                minimum=1,
                metavar="N",
            ),
            "container": _own(
                "string",
                "image of cupid-tools, with -profile docker, podman, singularity or apptainer",
                config=True,
                default=f"cupid-tools:{__version__}",
                metavar="IMAGE",
            ),
            "container_gpu": _own(
                "string",
                "image of cupid-tools for tasks that use a GPU, with -profile gpu and one of those",
                config=True,
                default=f"cupid-tools:{__version__}-gpu",
                metavar="IMAGE",
            ),
        },
    ),
    (
        "institution",
        "Institution",
        "what the configuration of an institution says of itself",
        {
            f"config_profile_{part}": _own("string", f"{part} of the configuration", hidden=True)
            for part in ("name", "description", "contact", "url")
        },
    ),
    (
        "general",
        "General",
        "about the pipeline",
        {
            "help": _own(
                "boolean", "print this help, or with --workflow that of one workflow", config=True, default=False
            ),
            "trace_report_suffix": _own(
                "string", "time of the run, in the names of its records", config=True, hidden=True
            ),
        },
    ),
]


if __name__ == "__main__":
    PATH.write_text(text(), encoding="utf-8")
