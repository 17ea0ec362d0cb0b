"""What Nextflow says to parameters and samplesheets before any task, and which options the tools get."""

import json
import re
import shlex
from pathlib import Path

import pytest

from cupid_tools.models.builtin import model_path
from nextflow import schema

ROOT = Path(__file__).parents[2]
PROBE = """
def outcome(asked) {
    try {
        return settings(asked)
    } catch (nextflow.exception.AbortOperationException error) {
        return error.message.readLines()
    }
}

def read(params, typed) {
    return Parameters.read("${projectDir}/nextflow_schema.json", params, new Given(typed))
}

def settings(asked) {
    def parameters = read(asked.params, asked.params.keySet())
    def options = (asked.tools ?: [:]).collectEntries { tool, context ->
        def (flags, files) = parameters.options(tool, context)
        [tool, [flags, files.collect { file -> file.toString() }]]
    }
    def data = asked.rows ? Samplesheet.of(parameters) : []
    def told = data.collect { row -> row.collectEntries { column, value -> [column, value.toString()] } }
    def used = parameters.used()
    def again = read(used, used.keySet())
    if (asked.rows) {
        Samplesheet.of(again)
    }
    return [data: told, used: used, again: again.used(), options: options, bytes: parameters.bytes('embed_block')]
}

workflow {
    if (params.cases) {
        def outcomes = params.cases.collectEntries { name, asked -> [name, outcome(asked)] }
        file('outcomes.json').text = groovy.json.JsonOutput.toJson(outcomes)
    } else {
        def parameters = Parameters.read("${projectDir}/nextflow_schema.json", params)
        def json = groovy.json.JsonOutput.toJson(parameters.used())
        println(parameters.get('help') ? parameters.help('nextflow run main.nf') : json)
    }
}
"""
DATA = {"fasta": "rnas.fa", "pairs": "pairs.tsv"}
SEARCH = {"queries": "rnas.fa", "targets": "rnas.fa"}
SCORE = {"workflow": "score", "model": "builtin"}
SIGN_OFF = "(nextflow run ... --help tells all parameters)"
NAMES = "take letters, digits, '.', '_' and '-', first a letter or digit; not pipeline_info, multiqc, README.md"
RENAME = " (rename it, or link to it by another name)"

REFUSED = {
    "unknown": (
        DATA | {"min_lenght": 5},
        "--min-lenght is no parameter (did you mean --min-length?)",
    ),
    "other pipeline": (DATA | {"max_cpus": 4}, "--max-cpus is no parameter (did you mean --gpus?)"),
    "empty": (DATA | {"by": ""}, "--by is empty (give a value, or leave it out)"),
    "no value": (DATA | {"by": True}, "--by needs a value"),
    "flag with a value": (DATA | {"strict": "yes"}, "--strict takes no value, or true or false, not yes"),
    "not whole": (DATA | {"min_length": 5.5}, "--min-length must be a whole number, not 5.5"),
    "not a number": (DATA | {"level": "high"}, "--level must be a number, not high"),
    "below": (DATA | {"min_length": 0}, "--min-length must be at least 1, not 0"),
    "outside": (DATA | {"level": 1}, "--level must be between 0 and 1, not 1"),
    "choice": (
        DATA | {"ambiguous": "dorp"},
        "--ambiguous is dorp (did you mean drop? known: keep, drop, error)",
    ),
    "some of": (DATA | {"how": "swap,flop"}, "--how is flop (did you mean flip? known: swap, flip, both)"),
    "pattern": (
        DATA | {"explain_top": "none", "explain": True},
        "--explain-top cannot be none (take all, or a number from 1 on)",
    ),
    "size": (DATA | {"embed_block": "8 apples"}, "--embed-block must be a size such as 8.MB, not 8 apples"),
    "missing file": (DATA | {"types": "no.tsv"}, "--types names no.tsv, which does not exist"),
    "folder": (DATA | {"types": "."}, "--types names ., which is a folder"),
    "no folder": (DATA | {"weights_dir": "rnas.fa"}, "--weights-dir names rnas.fa, which is no folder"),
    "name or file": (
        DATA | {"recipe": "mirinter"},
        "--recipe names mirinter, which does not exist and is none of mirinter-trans, ncrna-cupid",
    ),
    "encoder": (
        DATA | {"encoder": "rnafn"},
        "--encoder cannot be rnafn (known: mini, kmer, rnafm, generrna, own:FILE, hf:FOLDER)",
    ),
    "other workflow": (DATA | {"top_k": 5}, "--top-k is for workflow score, not for train (leave it out)"),
    "with a model": (
        DATA | {"workflow": "compare", "model": "builtin", "min_length": 5},
        "--min-length is for workflow train or compare, not for compare --model (leave it out)",
    ),
    "other classifiers": (
        DATA | {"classifiers": "blend", "hidden_size": 8},
        "--hidden-size is for mlp or mlp-symmetric, not for blend (leave it out)",
    ),
    "model without vectors": (
        SEARCH | {"workflow": "score", "model": "builtin", "shard_size": 8},
        "--shard-size is for mlp or mlp-symmetric, not for seed-lr (leave it out)",
    ),
    "nothing to explain": (
        DATA | {"explain_top": 5},
        "--explain-top does nothing without --explain (add it, or leave both out)",
    ),
    "no model": (SEARCH | {"workflow": "score"}, "--model is missing (workflow score needs it)"),
    "not a model": (
        SEARCH | {"workflow": "score", "model": "rnas.fa"},
        "--model names rnas.fa, which is no model of cupid-tools (make one with cupid-train)",
    ),
    "cut model": (
        SEARCH | {"workflow": "score", "model": "cut.safetensors"},
        "--model names cut.safetensors, which is no model of cupid-tools (make one with cupid-train)",
    ),
    "hyphen": (
        DATA | {"container-gpu": "mine", "containerGpu": "mine", "container_gpu": "cupid-tools"},
        "--container-gpu is read by configuration files: write --container_gpu",
    ),
    "how to publish": (
        DATA | {"publish_dir_mode": "move"},
        "--publish_dir_mode is move (did you mean copy? known: copy, link, rellink, symlink)",
    ),
    "cache": (DATA | {"workflow": "compare", "cache": "folder"}, "--cache is no parameter (did you mean --name?)"),
    "name": (DATA | {"name": "multiqc"}, f"--name cannot be multiqc ({NAMES})"),
    "sign": (
        DATA | {"types": "a$b.tsv"},
        "--types names a$b.tsv, which has $ in its path, and no task can get it" + RENAME,
    ),
    "sign in a folder": (
        DATA | {"weights_dir": "co$t/folder"},
        "--weights-dir names co$t/folder, which has $ in its path, and no task can get it" + RENAME,
    ),
    "name of a task's folder": (
        DATA | {"weights_dir": "other/model"},
        "--weights-dir names other/model, whose name tasks need for a folder of their own" + RENAME,
    ),
    "recipe of another kind": (
        DATA | {"workflow": "reproduce", "recipes": "mirinter-trans,rnas.fa"},
        "--recipes names rnas.fa, which does not end in .toml" + RENAME,
    ),
    "recipe for no folder": (
        DATA | {"workflow": "reproduce", "recipes": "it's mine.toml"},
        "--recipes names it's mine.toml, which is to name a folder (rename it, or link to it by another name: "
        "letters, digits, '.', '_' and '-', first a letter or digit)",
    ),
    "recipe for a folder in use": (
        DATA | {"workflow": "reproduce", "recipes": "models.toml"},
        "--recipes names models.toml, and the pipeline needs a folder models itself" + RENAME,
    ),
    "recipes for one folder": (
        DATA | {"workflow": "reproduce", "recipes": "mirinter-trans,other/mirinter-trans.toml"},
        "--recipes names 2 recipes mirinter-trans, whose results would lie in one folder (rename all but one)",
    ),
    "no data": ({}, "there is no data set (give --input SAMPLESHEET, or its files, such as --fasta)"),
    "two inputs": (
        DATA | {"input": "pairs.tsv"},
        "--fasta, --pairs and --input exclude each other (make columns of the samplesheet of them)",
    ),
    "twice": (
        DATA | {"minLength": 5, "min_length": 6},
        "--min-length is given twice, as 5 and as 6 (give it once)",
    ),
}
SHEETS = {
    "signs.csv": (
        b'name,fasta,pairs\none,"a ""b"", c.fa",a$b.tsv\ntwo,"two\nlines.fa",a\\b.tsv\nthree,rnas.fa,a`b.tsv\n',
        [
            '2: fasta is a "b", c.fa, which has " in its path, and no task can get it' + RENAME,
            "2: pairs is a$b.tsv, which has $ in its path, and no task can get it" + RENAME,
            "3: fasta is two",
            "lines.fa, which has a line break in its path, and no task can get it" + RENAME,
            "3: pairs is a\\b.tsv, which has \\ in its path, and no task can get it" + RENAME,
            "5: pairs is a`b.tsv, which has ` in its path, and no task can get it" + RENAME,
        ],
    ),
    "good.csv": (
        b'\xef\xbb\xbfpairs,name,fasta,types\r\n"pairs.tsv",one,"it\'s [a] * {b}, (c).fa",\r\n\r\n'
        b" ../here/pairs.tsv , two,rnas.fa,pairs.tsv\r\n,,,\r\n",
        [
            {"name": "one", "pairs": "pairs.tsv", "fasta": "it's [a] * {b}, (c).fa"},
            {"name": "two", "pairs": "pairs.tsv", "fasta": "rnas.fa", "types": "pairs.tsv"},
        ],
    ),
    "search.csv": (
        b"name,queries,targets,groups\nx,rnas.fa,rnas.fa,no.tsv",
        [{"name": "x", "queries": "rnas.fa", "targets": "rnas.fa"}],
    ),
    "bad.csv": (
        b"name,fasta,pairs\none,rnas.fa,pairs.tsv\none,no.fa,\nt/wo,.,pairs.tsv\nthree,rnas.fa\n,rnas.fa,pairs.tsv\n"
        b"pipeline_info,rnas.fa,pairs.tsv\nfour,,\n",
        [
            "3: name one stands in line 2 already (give each data set its own)",
            "3: pairs is empty (name the file)",
            "3: fasta is no.fa, which does not exist (paths start at the folder of the samplesheet)",
            f"4: name cannot be t/wo ({NAMES})",
            "4: fasta is ., which is a folder (name a file)",
            "5: has 2 cells, the header 3 (give one for each column, empty where there is none)",
            "6: name is empty (give the data set a name)",
            f"7: name cannot be pipeline_info ({NAMES})",
            "8: the data set has no fasta and pairs, nor queries and targets (give one or the other)",
        ],
    ),
    "both.csv": (
        b"name,fasta,pairs,queries,targets\n\n\none,rnas.fa,pairs.tsv,rnas.fa,rnas.fa\n",
        ["4: fasta and pairs exclude queries and targets (give one or the other)"],
    ),
    "header.csv": (
        b"fata,pairs,pairs,\nrnas.fa,pairs.tsv,,\n",
        [
            "1: unknown column fata (did you mean fasta? known: name, fasta, pairs, types, queries, targets)",
            "1: column 4 has no name (name it, or leave it out)",
            "1: column pairs stands there 2 times (leave one)",
            "1: there is no column name (add one; it names the data sets)",
            "1: there is no column fasta, or queries and targets (add it)",
        ],
    ),
    "semicolons.csv": (
        b"name;fasta;pairs\none;rnas.fa;pairs.tsv\n",
        [
            "1: unknown column name;fasta;pairs (separate cells by commas; known: name, fasta, pairs, types, "
            "queries, targets)",
            "1: there is no column name (add one; it names the data sets)",
            "1: there is no column fasta and pairs, or queries and targets (add it)",
        ],
    ),
    "quotes.csv": (
        b'name,fasta,pairs\none,"rnas.fa,pairs.tsv\n',
        ["2: a cell has a quote that opens or closes in the middle, or not at all (mend the quotes)"],
    ),
    "header_only.csv": (b"name,fasta,pairs\n", [" has a header and no data set (give a row for each)"]),
    "empty.csv": (b"\n", [" is empty (give a header and a row for each data set)"]),
}


def example(name, what):
    """A value that the schema allows and that is hard on a shell where it can be."""
    if "enum" in what:
        return what["enum"][-1]
    if "some_of" in what:
        return ",".join(what["some_of"][:2])
    if what.get("format") == "directory-path":
        return "folder"
    return {
        "boolean": True,
        "integer": 7,
        "number": 0.25,
        "string": {"recipe": "it's mine.toml", "encoder": "hf:folder", "explain_top": "all"}.get(name, "--a 'b' $c"),
    }[what["type"]]


def tool_parameters():
    groups = schema.schema()["$defs"].values()
    return {name: what for group in groups for name, what in group["properties"].items() if "tools" in what}


def cases():
    found = {f"refused {name}": {"params": given} for name, (given, _) in REFUSED.items()}
    found |= {f"sheet {name}": {"params": SCORE | {"input": name}, "rows": True} for name in SHEETS}
    for way, tools in schema.WORKFLOWS.items():
        values = {name: example(name, what) for name, what in tool_parameters().items() if way in what["workflows"]}
        needed = {"workflow": way.split()[0]} | (SEARCH if way == "score" else DATA)
        needed |= {"explain": True, "classifiers": "mlp,duplex,boosting,blend"} | (
            {} if way in ("train", "compare") else {"model": "net.safetensors"}
        )
        used = {name: value for name, value in needed.items() if fits(name, way)}
        programs = {schema.executable(tool): {"classifier": "mlp", "rankings": way == "score"} for tool in tools}
        found[f"all {way}"] = {"params": used | values, "tools": programs}
    found["blend"] = {
        "params": DATA | {"hidden-size": 8, "ridge": "1e-3", "epochs": "5", "strict": False, "embed_block": "1.KB"},
        "tools": {"cupid-train": {"classifier": "blend"}, "cupid-split": {}},
    }
    found["same name"] = {
        "params": {"fasta": "rnas.fa", "workflow": "embed", "encoder": "hf:folder", "weights_dir": "other/folder"},
        "tools": {"cupid-embed": {}},
    }
    found["net"] = {"params": found["blend"]["params"], "tools": {"cupid-train": {"classifier": "mlp"}}}
    found["listed"] = {"params": SCORE | DATA | {"name": "mine"}, "rows": True}
    found["half"] = {"params": SCORE | {"queries": "rnas.fa"}, "rows": True}
    found["listed, ranked"] = {"params": SCORE | DATA | {"top_k": 5}, "rows": True}
    found["input, ranked"] = {"params": SCORE | {"input": "search.csv", "top_k": 5}, "rows": True}
    found["ranked, drawn"] = {"params": SCORE | SEARCH | {"explain": True, "explain_top": 5}, "rows": True}
    found["energies"] = {
        "params": DATA | {"workflow": "compare", "classifiers": "blend"},
        "tools": {"intarna-compare": {}},
    }
    found["joined energies"] = {
        "params": DATA | {"workflow": "compare"},
        "tools": {"intarna-compare": {"merging": True}},
    }
    found["other energies"] = {
        "params": DATA | {"workflow": "compare", "compare_splits": "test"},
        "tools": {"intarna-compare": {}},
    }
    return found


def fits(name, way):
    own = {name: what for group in schema.schema()["$defs"].values() for name, what in group["properties"].items()}
    return way in own[name]["workflows"]


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    """A pipeline that tells what it understood, and files to name."""
    folder = tmp_path_factory.mktemp("parameters")
    (folder / "nextflow").mkdir()
    (folder / "nextflow" / "main.nf").write_text(PROBE)
    (folder / "nextflow" / "lib").symlink_to(ROOT / "nextflow" / "lib")
    (folder / "nextflow" / "nextflow_schema.json").symlink_to(schema.PATH)
    (folder / "cupid_tools").symlink_to(ROOT / "cupid_tools")
    here = folder / "here"
    (here / "folder").mkdir(parents=True)
    for name in ("other/folder", "other/model", "co$t/folder"):
        (here / name).mkdir(parents=True)
    recipes = ["it's mine.toml", "models.toml", "other/mirinter-trans.toml"]
    odd = ["it's [a] * {b}, (c).fa", 'a "b", c.fa', "two\nlines.fa", "a$b.tsv", "a\\b.tsv", "a`b.tsv"]
    for name in ("rnas.fa", "pairs.tsv", *recipes, *odd):
        (here / name).write_text(">not a model, and long enough for a head\n")
    (here / "cut.safetensors").write_bytes(Path(model_path("builtin")).read_bytes()[:100])
    head = json.dumps({"__metadata__": {"cupid_tools": json.dumps({"classifier": "mlp", "store": {}})}}).encode()
    (here / "net.safetensors").write_bytes(len(head).to_bytes(8, "little") + head)
    for name, (content, _) in SHEETS.items():
        (here / name).write_bytes(content)
    return here


@pytest.fixture(scope="module")
def outcomes(nextflow, here):
    """Case -> what came of it; all in one run, since each costs seconds."""
    (here / "asked.json").write_text(json.dumps({"cases": cases()}, indent=1))
    run = nextflow("-q", "run", "../nextflow/main.nf", "-params-file", "asked.json", cwd=here)
    assert run.returncode == 0, run.stdout + run.stderr
    return json.loads((here / "outcomes.json").read_text())


@pytest.mark.parametrize("name", REFUSED)
def test_a_parameter_is_refused_in_one_line(outcomes, name):
    assert outcomes[f"refused {name}"] == [f"ERROR: {REFUSED[name][1]}", SIGN_OFF]


@pytest.mark.parametrize("name", SHEETS)
def test_a_samplesheet_is_read_or_refused_with_its_lines(outcomes, here, name):
    _, expected = SHEETS[name]
    found = outcomes[f"sheet {name}"]
    if isinstance(expected[0], str):
        told = "\n".join(line.removeprefix("ERROR: ").removeprefix(f"{name}:") for line in found)
        assert told == "\n".join(expected)
    else:
        rows = [{key: v if key == "name" else str(here / v) for key, v in row.items()} for row in expected]
        assert found["data"] == rows


@pytest.mark.parametrize("way", schema.WORKFLOWS)
def test_all_options_reach_their_tools_through_the_shell(outcomes, here, way):
    for tool in schema.WORKFLOWS[way]:
        program = schema.executable(tool)
        flags, files = outcomes[f"all {way}"]["options"][program]
        assert sorted(shlex.split(flags)) == sorted(words(program, way))
        assert {Path(file) for file in files} <= {here / "folder", here / "it's mine.toml"}


def words(program, way):
    """What a tool gets where all that a user can set is set and the classifier is mlp."""
    for name, what in tool_parameters().items():
        nets = "mlp" in what.get("classifiers", ["mlp"])
        if program in what["workflows"].get(way, ()) and (nets or program == "cupid-reproduce"):
            value = example(name, what)
            flag = what.get("flag", f"--{name.replace('_', '-')}")
            yield flag if value is True else f"{flag}={value}"


def test_only_what_a_classifier_has_reaches_it(outcomes):
    assert outcomes["blend"]["options"]["cupid-train"] == ["--ridge='0.001'", []]
    assert outcomes["net"]["options"]["cupid-train"] == ["--epochs='5' --hidden-size='8'", []]
    assert outcomes["blend"]["options"]["cupid-split"] == ["", []]
    assert outcomes["blend"]["bytes"] == 1024


def test_single_files_are_one_data_set(outcomes, here):
    assert outcomes["listed"]["data"] == [
        {"name": "mine", "fasta": str(here / "rnas.fa"), "pairs": str(here / "pairs.tsv")}
    ]
    assert outcomes["half"] == ["ERROR: --targets is missing (name the file)"]
    assert len(outcomes["input, ranked"]["data"]) == 1


def test_settings_of_rankings_need_queries(outcomes):
    problem = "--top-k is for rankings, and no data set has queries (leave it out)"
    assert outcomes["listed, ranked"] == [f"ERROR: {problem}"]


def test_nothing_is_drawn_of_rankings(outcomes):
    problem = "is for listed pairs, and no data set has pairs (leave it out)"
    assert outcomes["ranked, drawn"] == [f"ERROR: --explain {problem}", f"ERROR: --explain-top {problem}"]


def test_energies_are_those_of_rows_that_judge(outcomes):
    assert outcomes["energies"]["options"]["intarna-compare"] == ["--splits='valid,test'", []]
    assert outcomes["other energies"]["options"]["intarna-compare"] == ["--splits='test'", []]
    assert outcomes["joined energies"]["options"]["intarna-compare"] == ["", []]


def test_what_a_run_used_repeats_it(outcomes):
    runs = {name: outcome for name, outcome in outcomes.items() if "used" in outcome}
    assert len(runs) > len(schema.WORKFLOWS)
    assert all(run["again"] == run["used"] for run in runs.values())
    used = outcomes["energies"]["used"]
    assert used.items() >= {"compare_splits": "valid,test", "classifiers": "blend", "name": "data", **DATA}.items()
    assert not used.keys() & {"embed_splits", "recipes", "min_length", "model"}
    assert "name" not in outcomes["input, ranked"]["used"]


def test_files_of_one_name_are_refused(outcomes):
    problem = "cupid-embed would get 2 files of the name folder (rename all but one)"
    assert outcomes["same name"] == [f"ERROR: {problem}"]


def test_all_problems_are_told_at_once_and_end_the_run(nextflow, here):
    run = nextflow(
        "-q", "run", "../nextflow/main.nf", "--min-lenght", "5", "--by", "rnadom", "--max_cpus", "2", cwd=here
    )
    assert run.returncode != 0
    assert re.findall("^ERROR: (.*)$", run.stderr, re.MULTILINE) == [
        "--min-lenght is no parameter (did you mean --min-length?)",
        "--max-cpus is no parameter (did you mean --gpus?)",
        "--by is rnadom (did you mean random? known: random, unseen-a, unseen-b, unseen-both)",
        "there is no data set (give --input SAMPLESHEET, or its files, such as --fasta)",
    ]
    assert "\tat " not in run.stderr


def used(run):
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout.splitlines()[-1])


def test_both_spellings_and_configurations_of_institutions(nextflow, here):
    (here / "site.config").write_text(
        "params.max_cpus = 4\nparams.min_length = 4\nparams.config_profile_name = 'site'\nparams.top_k = 3\n"
        "params.igenomes_base = 's3://x'\n"
    )
    line = ["--fasta", "rnas.fa", "--pairs", "pairs.tsv", "--min-length", "5", "--max_length", "9", "--strict"]
    run = nextflow("run", "../nextflow/main.nf", "-c", "site.config", *line, cwd=here)
    found = used(run)
    assert found.items() >= {"min_length": 5, "max_length": 9, "strict": True, **DATA}.items()
    assert not found.keys() & {"top_k", "max_cpus", "config_profile_name"}
    warning = "WARN: A configuration sets what this pipeline does not know and does not use: igenomes_base, max_cpus"
    assert run.stdout.splitlines().count(warning) == 1


@pytest.mark.parametrize("name", ["it's [a] 'b' \\ \"c\" --top-k 3.yml", "my --top-k=3 \\.json"])
def test_the_command_line_and_its_file_are_read_as_they_are_meant(nextflow, here, name):
    """What a profile sets in vain is ignored, what the user sets in vain is refused: neither is taken for the other."""
    (here / "vain.config").write_text("params.top_k = 3\nparams.leaves = 7\nparams.min_length = 4\n")
    (here / name).write_text(json.dumps({"min-length": 5, "max-length": 8, "evaluate_title": "--leaves: ${HOME}"}))
    titles = ["--name=mine", "--explain", "--explain_title", "it's --top-k 3 --leaves='4'", "--classifiers", "mlp"]
    line = ["--fasta", "rnas.fa", "--pairs", "pairs.tsv", "--max_length", "9", *titles, "-params-file", name]
    run = nextflow("-q", "run", "../nextflow/main.nf", "-c", "vain.config", *line, cwd=here)
    told = {"min_length": 5, "max_length": 9, "name": "mine", "explain_title": "it's --top-k 3 --leaves='4'"}
    found = used(run)
    assert found.items() >= told.items()
    assert not found.keys() & {"top_k", "leaves"}
    refused = nextflow("-q", "run", "../nextflow/main.nf", *line, "--leaves", "4", cwd=here)
    assert "ERROR: --leaves is for boosting, not for mlp (leave it out)" in refused.stderr


def test_help_tells_what_a_workflow_uses(nextflow, here):
    run = nextflow("-q", "run", "../nextflow/main.nf", "--help", "--workflow", "score", cwd=here)
    assert run.returncode == 0, run.stderr
    lines = run.stdout.splitlines()
    assert lines[0].startswith("usage: nextflow run main.nf ")
    assert "  --top-k K                   targets that are written for each query (default: 20)" in lines
    assert not any(line.startswith("  --min-length") for line in lines)
    assert any(line.startswith("  --shard-size N") for line in lines)
    assert any(line.startswith("  --container_gpu IMAGE") for line in lines)
    assert not any(line.startswith("  --trace") for line in lines)
    assert max(map(len, lines[1:])) <= 100
