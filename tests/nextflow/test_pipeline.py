"""The pipeline on real data: what it publishes is what the same commands write in a shell, byte for byte."""

import gzip
import json
import os
import re
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from tests.chain import KMER
from tests.nextflow.training import MAIN, PAIRS, RNAS, contents, trace

FASTER = ("--bootstrap", "20")
SHELL = """
set -e
cupid-filter --fasta {rnas} --fasta-out kept.fa -o kept.tsv --dropped filter.dropped.tsv --report filter.json {pairs}
cupid-split --by unseen-both --strict --seed 3 --fasta kept.fa -o split.tsv --dropped split.dropped.tsv \\
    --report split.json kept.tsv
cupid-augment --fasta kept.fa --fasta-out all.fa -o augmented.tsv --report augment.json split.tsv
cupid-negatives --per-positive 5 --seed 3 --fasta all.fa -o dataset.tsv --report negatives.json augmented.tsv
cupid-embed --encoder kmer -o all.npy all.fa
for name in blend mlp; do
    case $name in blend) vectors= ;; mlp) vectors='-e all.npy'; epochs='--epochs 15' ;; esac
    cupid-train --classifier $name --fasta all.fa $vectors $epochs --seed 3 --device cpu --threads 1 \\
        --curves $name.curves.tsv --report $name.train.json -o $name.safetensors dataset.tsv
    cupid-score -m $name.safetensors --fasta all.fa $vectors --device cpu --threads 1 -o $name.tsv dataset.tsv
done
cupid-evaluate --bootstrap 20 --seed 3 --fasta all.fa --curves blend.curves.tsv --curves mlp.curves.tsv \\
    --report evaluate.json -o report blend.tsv mlp.tsv
"""
NOT_PUBLISHED = {"split.tsv", "augmented.tsv"}


def processes(folder):
    """How many tasks of each process the last run in *folder* had."""
    return Counter(row["name"].partition(" ")[0].rpartition(":")[2] for row in trace(folder))


@pytest.fixture(scope="module")
def pipeline(nextflow, tmp_path_factory):
    """Run the pipeline into the folder ``results`` of a new folder, which is returned; it must succeed."""

    def run(*args, folder=None):
        folder = folder or tmp_path_factory.mktemp("run")
        done = nextflow("run", MAIN, *args, cwd=folder, timeout=550)
        assert done.returncode == 0, done.stdout
        return folder

    return run


@pytest.fixture(scope="module")
def trained(pipeline):
    return pipeline("-profile", "test", *FASTER, *KMER)


@pytest.fixture(scope="module")
def shell(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shell")
    subprocess.run(["bash", "-c", SHELL.format(rnas=RNAS, pairs=PAIRS)], cwd=folder, check=True, capture_output=True)
    return folder


def test_train_publishes_what_the_same_commands_write_in_a_shell(trained, shell):
    published = {path: text for path, text in contents(trained / "results" / "human").items() if "blocks/" not in path}
    published = {
        "/".join(Path(path).parts[1 if "report/" not in path else 0 :]): text for path, text in published.items()
    }
    written = {path: text for path, text in contents(shell).items() if path not in NOT_PUBLISHED}
    assert {path for path, text in written.items() if published.get(path) != text} == set()
    assert published.keys() - written.keys() == {"all.json", "blend.score.json", "mlp.score.json"}  # joined blocks


def test_train_works_in_blocks(trained):
    counts = processes(trained)
    assert counts["CUPID_EMBED"] > 3
    assert counts["CUPID_SCORE"] > 6
    assert counts["CUPID_TRAIN"] == 2


def test_the_results_tell_that_they_are_complete_and_how_they_were_made(trained):
    results = trained / "results"
    readme = (results / "README.md").read_text()
    assert "The run is complete." in readme
    kept = sorted(re.sub(r"_[\d_-]+\.", ".", path.name) for path in (results / "pipeline_info").iterdir())
    records = ["dag.html", "report.html", "timeline.html", "trace.txt"]
    assert kept == sorted(["params.json", "software_mqc_versions.yml", *records])
    given = json.loads((results / "pipeline_info" / "params.json").read_text())
    assert given["by"] == "unseen-both"
    assert given["bootstrap"] == 20
    versions = (results / "pipeline_info" / "software_mqc_versions.yml").read_text()
    tool = subprocess.run(["cupid-filter", "--version"], capture_output=True, text=True, check=True).stdout.split()[-1]
    assert f"CUPID_FILTER:\n    cupid-tools: '{tool}'" in versions
    assert "Nextflow: '" in versions


def test_figures_for_multiqc_are_those_of_the_report(trained):
    table = (trained / "results" / "multiqc" / "cupid_mqc.tsv").read_text().splitlines()
    own = (trained / "results" / "human" / "report" / "cupid_mqc.tsv").read_text().splitlines()
    head = [line for line in own if line.startswith("#")] + ["Sample\t"]
    assert table[: len(head) - 1] == head[:-1]
    assert table[len(head) - 1] == own[len(head) - 1]
    assert table[len(head) :] == [f"human {line}" for line in own[len(head) :]]


def test_resume_repeats_nothing(pipeline, trained):
    before = contents(trained / "results" / "human")
    pipeline("-profile", "test", *FASTER, *KMER, "-resume", folder=trained)
    assert {row["status"] for row in trace(trained)} == {"CACHED"}
    assert contents(trained / "results" / "human") == before


@pytest.fixture(scope="module")
def few(tmp_path_factory):
    """Some RNAs of either kind, and some pairs."""
    folder = tmp_path_factory.mktemp("few")
    records = [f">{record}" for record in RNAS.read_text().split(">")[1:]]
    for name, kind in (("queries", "miRNA"), ("targets", "lncRNA")):
        (folder / f"{name}.fa").write_text("".join([record for record in records if kind in record][:20]))
    (folder / "pairs.tsv").write_text("".join(PAIRS.read_text().splitlines(keepends=True)[:60]))
    return folder


@pytest.mark.parametrize(
    ("workflow", "files", "options", "large", "small"),
    [
        ("embed", {"fasta": RNAS}, list(KMER), ["--embed_block", "8.MB"], ["--embed_block", "30.KB"]),
        (
            "score",
            {"fasta": RNAS, "pairs": "pairs.tsv"},
            ["--model", "builtin"],
            ["--score_block", "64.MB"],
            ["--score_block", "1.KB"],
        ),
        (
            "score",
            {"queries": "queries.fa", "targets": "targets.fa"},
            ["--model", "builtin:duplex", "--top-k", "3", "--score_shuffles", "20"],
            ["--rank-block", "1000"],
            ["--rank-block", "110"],
        ),
    ],
    ids=["embed", "score", "rank"],
)
def test_results_are_the_same_in_however_many_blocks(pipeline, few, workflow, files, options, large, small):
    given = [word for name, path in files.items() for word in (f"--{name}", few / path)]
    one, many = (pipeline("--workflow", workflow, *given, *options, *blocks) for blocks in (large, small))
    assert len(trace(one)) == 2
    assert len(trace(many)) >= 4
    results = [
        {path: text for path, text in contents(folder / "results" / "data").items() if "reports/" not in path}
        for folder in (one, many)
    ]
    assert results[0]
    assert results[0] == results[1]


def test_a_net_ranks_as_in_a_shell(pipeline, trained, few, tmp_path):
    """The RNAs are embedded, in blocks, as the model needs them."""
    model = trained / "results" / "human" / "models" / "mlp.safetensors"
    args = ["--model", model, "--queries", few / "queries.fa", "--targets", few / "targets.fa", "--top-k", "2"]
    folder = pipeline("--workflow", "score", *args, "--rank_block", "200", "--embed_block", "8.KB")
    counts = processes(folder)
    assert counts["CUPID_EMBED"] > 2 == counts["CUPID_EMBED_MERGE"] == counts["CUPID_RANK"]
    subprocess.run(["cupid-score", *map(str, args), "-o", tmp_path / "s.tsv"], check=True, capture_output=True)
    assert (folder / "results" / "data" / "scores" / "scores.tsv").read_bytes() == (tmp_path / "s.tsv").read_bytes()


def test_energies_stand_beside_the_scores(pipeline, trained, tmp_path):
    """A model that was made before is compared with energies; blocks change nothing."""
    dataset = trained / "results" / "human" / "dataset"
    args = ["--fasta", dataset / "all.fa", "--pairs", dataset / "dataset.tsv", "--engine", "seed"]
    model = trained / "results" / "human" / "models" / "blend.safetensors"
    folder = pipeline("--workflow", "compare", *args, "--model", model, "--energy_block", "100.KB", *FASTER)
    results = folder / "results" / "data"
    command = ["intarna-compare", "--splits", "valid,test", "-f", dataset / "all.fa", "--engine", "seed"]
    table = tmp_path / "energies.tsv"
    subprocess.run([*command, "-o", table, dataset / "dataset.tsv"], check=True, capture_output=True)
    assert (results / "scores" / "energies.tsv").read_bytes() == table.read_bytes()
    assert "energy" in (results / "scores" / "model.tsv").read_text().partition("\n")[0].split("\t")
    assert (results / "report" / "report.html").stat().st_size > 10_000
    assert processes(folder)["INTARNA_COMPARE"] > 2


def test_several_data_sets_do_not_meet(pipeline, tmp_path):
    """Compressed or not, a data set gets the same results beside others; each has its own tables."""
    (tmp_path / "rnas.fa.gz").write_bytes(gzip.compress(RNAS.read_bytes()))
    (tmp_path / "pairs.tsv").write_text("".join(PAIRS.read_text().splitlines(keepends=True)[:301]))
    ids = re.findall(r">(\S+)", RNAS.read_text())
    for name, column in (("groups", "group"), ("genes", "gene"), ("types", "type")):
        rows = [f"{rna}\t{column}{number // 2 if column != 'type' else number % 2}\n" for number, rna in enumerate(ids)]
        (tmp_path / f"{name}.tsv").write_text(f"id\t{column}\n" + "".join(rows))
    (tmp_path / "sheet.csv").write_text(
        "name,fasta,pairs,groups,genes,types\n"
        "packed,rnas.fa.gz,pairs.tsv,,,\n"
        f"plain,{RNAS},pairs.tsv,,,\n"
        f"described,{RNAS},pairs.tsv,groups.tsv,genes.tsv,types.tsv\n"
    )
    settings = ["--classifiers", "seed-lr", "--engine", "seed", "--bootstrap", "10", "--per-positive", "2", "--strict"]
    sheet = ["--input", tmp_path / "sheet.csv", "--by", "unseen-a", "--explain", "--explain_top", "1"]
    folder = pipeline("--workflow", "compare", *sheet, *settings, "--score_block", "40.KB")
    packed, plain, described = (contents(folder / "results" / name) for name in ("packed", "plain", "described"))
    assert packed.keys() == plain.keys()
    digests = {path for path in packed if path.startswith("reports/")}  # of compressed bytes
    assert {path for path in packed if packed[path] != plain[path]} <= digests
    used = {name: json.loads(described[f"reports/{name}.json"])["inputs"] for name in ("filter", "split", "evaluate")}
    assert used["filter"]["types"]
    assert used["split"]["groups"]
    assert used["evaluate"]["genes"]
    assert described["report/metrics.tsv"] != plain["report/metrics.tsv"]
    assert any(path.startswith("explanations/") and path.endswith(".svg") for path in plain)
    samples = (folder / "results" / "multiqc" / "cupid_mqc.tsv").read_text()
    assert [samples.count(f"\n{name} seed-lr\t") for name in ("packed", "plain", "described")] == [1, 1, 1]


def test_a_published_table_is_that_of_the_tool(pipeline, tmp_path):
    settings = ["--variants", "AVG", "--epochs", "1", "--bootstrap", "10", "--per-positive", "2", "--encoder", "kmer"]
    recipe = ["--recipes", "mirinter-trans"]
    limits = tmp_path / "limits.config"
    limits.write_text("process.resourceLimits = [cpus: 2]\n")
    given = ["--fasta", RNAS, "--pairs", PAIRS, *settings]
    folder = pipeline("--workflow", "reproduce", *recipe, *given, "-c", limits)
    command = ["cupid-reproduce", *settings, "--threads", "2", "--device", "cpu", "-o", tmp_path / "table"]
    subprocess.run([*command, "-f", RNAS, "mirinter-trans", PAIRS], check=True, capture_output=True)
    assert contents(folder / "results" / "data" / "tables" / "mirinter-trans") == contents(tmp_path / "table")


PREPARED = {"CUPID_FILTER", "CUPID_SPLIT", "CUPID_AUGMENT", "CUPID_NEGATIVES"}
JUDGED = {"CUPID_EMBED", "CUPID_EMBED_MERGE", "CUPID_TRAIN", "CUPID_SCORE", "CUPID_SCORE_MERGE", "CUPID_EVALUATE"}
STUBS = {
    "train": ("test_full", {}, PREPARED | JUDGED | {"CUPID_EXPLAIN"}),
    "compare": ("test", {}, PREPARED | JUDGED | {"INTARNA_COMPARE", "INTARNA_COMPARE_MERGE"}),
    "score": ("standard", {"model": "builtin", "fasta": RNAS, "pairs": PAIRS}, {"CUPID_SCORE", "CUPID_SCORE_MERGE"}),
    "rank": ("standard", {"model": "builtin", "queries": RNAS, "targets": RNAS}, {"CUPID_RANK", "CUPID_RANK_MERGE"}),
    "embed": ("standard", {"fasta": RNAS}, {"CUPID_EMBED", "CUPID_EMBED_MERGE"}),
    "reproduce": ("standard", {"fasta": RNAS, "pairs": PAIRS}, {"CUPID_REPRODUCE"}),
}


@pytest.mark.parametrize("case", STUBS)
def test_every_workflow_runs_as_a_stub(pipeline, case):
    profile, given, expected = STUBS[case]
    files = [word for name, value in given.items() for word in (f"--{name}", value)]
    workflow = "score" if case == "rank" else case
    folder = pipeline("-stub-run", "-profile", profile, "--workflow", workflow, *files)
    assert processes(folder).keys() == expected


def refused(nextflow, folder, *args):
    """What the user's screen shows of a run that fails."""
    done = nextflow("run", MAIN, *args, cwd=folder)
    assert done.returncode != 0
    return done.stdout + done.stderr


def test_a_label_that_is_none_is_told_by_the_tool_with_file_and_line(nextflow, tmp_path):
    lines = PAIRS.read_text().splitlines()
    cells = dict(zip(lines[0].split("\t"), lines[41].split("\t"), strict=True))
    lines[41] = "\t".join((cells | {"label": "yes"}).values())
    (tmp_path / "pairs.tsv").write_text("\n".join(lines) + "\n")
    screen = refused(nextflow, tmp_path, "--fasta", RNAS, "--pairs", "pairs.tsv")
    assert "cupid-filter: ERROR: pairs/pairs.tsv:42:" in screen
    assert "'yes'" in screen
    assert [row["exit"] for row in trace(tmp_path)] == ["3"]
    assert "**These results are not complete:**" in (tmp_path / "results" / "README.md").read_text()
    assert not (tmp_path / "results" / "data").exists()


def test_a_broken_rna_in_the_third_of_five_blocks_ends_the_run(nextflow, tmp_path):
    lines = RNAS.read_text().splitlines()
    header = next(i for i in range(len(lines) // 2, len(lines)) if lines[i].startswith(">"))
    lines[header + 1] = lines[header + 1][:5] + "!" + lines[header + 1][5:]
    (tmp_path / "rnas.fa").write_text("\n".join(lines) + "\n")
    assert 4 < os.path.getsize(tmp_path / "rnas.fa") / (31 << 10) < 5  # five blocks
    screen = refused(nextflow, tmp_path, "--workflow", "embed", "--fasta", "rnas.fa", "--embed_block", "31.KB")
    assert f"cupid-embed: ERROR: rnas/rnas.fa:{header + 1}: RNA" in screen
    assert not (tmp_path / "results" / "data").exists()
    assert "**These results are not complete:**" in (tmp_path / "results" / "README.md").read_text()
