"""cupid-evaluate: the files of a report, and what is refused."""

import hashlib
import json
import random

import pytest

FAST = ["--baselines", "degree-sum,seed-match,relatives", "--bootstrap", "40"]
FASTEST = ["--baselines", "none", "--bootstrap", "2"]
HEADER = "id_a\tid_b\tlabel\tsplit\torigin\tscore\tcall\n"


def digest(*words):
    """A number that depends on the words alone, on every machine."""
    return int.from_bytes(hashlib.sha256("/".join(words).encode()).digest()[:4]) / 2**32


@pytest.fixture(scope="module")
def lines(request):
    """Real pairs with a made split, made negatives, and a score that is right more often than not."""
    folder = request.config.rootpath / "test-data"
    pairs = [line.split("\t")[:2] for line in (folder / "pairs.tsv").read_text().splitlines()[1:]]
    known = set(map(tuple, pairs))
    targets = sorted({b for _, b in pairs})
    rows = {}
    for a, b in sorted(pairs, key=lambda pair: digest("choose", *pair))[:300]:
        split = ("test", "valid", "train", "train")[int(digest("split", a, b) * 4)]
        rows[a, b] = (1, split, "observed")
        for draw in "123":
            other = targets[int(digest(draw, a, b) * len(targets))]
            if (a, other) not in known:
                rows.setdefault((a, other), (0, split, f"negative:{'uniform' if draw == '1' else 'type-matched'}"))
    table = []
    for (a, b), (label, split, origin) in rows.items():
        score = round(0.6 * digest("score", a, b) + 0.3 * label, 3)
        table.append(f"{a}\t{b}\t{label}\t{split}\t{origin}\t{score}\t{int(score >= 0.5)}\n")
    return table


@pytest.fixture
def scores(lines, tmp_path):
    path = tmp_path / "random.tsv"
    path.write_text(HEADER + "".join(lines))
    return path


@pytest.fixture
def evaluated(tool, data, scores, tmp_path):
    """Run the tool and return its outcome and the folder."""

    def run(*args, output="report", tables=(scores,), fast=FAST, **options):
        folder = tmp_path / output
        return tool("evaluate", "-f", data / "rnas.fa", "-o", folder, *fast, *args, *tables, **options), folder

    return run


def contents(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_files_are_those_of_the_golden_files(evaluated, golden):
    outcome, folder = evaluated()
    assert (outcome.code, outcome.stdout) == (0, "")
    for name in ("metrics.tsv", "gaps.tsv", "cupid_mqc.tsv", "summary.txt"):
        golden(folder / name, f"evaluate/{name}")
    assert "random, test pairs (245, 67 positive): model AUROC 0." in outcome.stderr
    assert "WARNING" not in outcome.stderr
    assert f"report: {folder}/report.html" in outcome.stderr
    check_json(folder)


def check_json(folder):
    """The JSON holds the numbers of the TSV, and no path."""
    content = json.loads((folder / "metrics.json").read_text())
    (experiment,) = content["experiments"]
    header, *rows = [line.split("\t") for line in (folder / "metrics.tsv").read_text().splitlines()]
    assert len(rows) == len(experiment["metrics"])
    for row, measured in zip(rows, experiment["metrics"], strict=True):
        told = dict(zip(header, row, strict=True))
        for name in ("split", "overlap", "strategy", "method"):
            assert told[name] == measured[name]
        for name in ("n", "auroc", "auprc", "mcc", "ece"):
            assert told[name] == ("NA" if measured[name] is None else f"{measured[name]:.6g}")
    assert str(folder.parent) not in (folder / "metrics.json").read_text() + (folder / "report.html").read_text()


def test_equal_tables_give_equal_bytes_whatever_their_order(evaluated, lines, scores):
    _, one = evaluated(output="one", fast=["--bootstrap", "20"])
    shuffled = list(lines)
    random.Random(1).shuffle(shuffled)
    scores.write_text(HEADER.replace("\n", "\r\n") + "".join(shuffled).replace("\n", "\r\n"))
    _, other = evaluated(output="other", fast=["--bootstrap", "20"])
    before, after = contents(one), contents(other)
    assert before.keys() == after.keys()
    same_but_for_digests = [name for name in before if not name.endswith((".html", ".json"))]
    assert len(same_but_for_digests) > 10
    for name in same_but_for_digests:
        assert before[name] == after[name], name


def test_several_tables_make_one_report(evaluated, scores, tmp_path, lines):
    (tmp_path / "other.tsv").write_text(HEADER + "".join(lines[::2]))
    outcome, folder = evaluated(tables=(scores, tmp_path / "other.tsv"))
    assert outcome.code == 0
    told = [line.split(":")[0] for line in (folder / "summary.txt").read_text().splitlines()]
    assert told[0].startswith("random, test pairs (")
    assert {line.split(",")[0] for line in told} == {"random", "other", "random and other"}
    assert (folder / "figures" / "other-roc.svg").exists()


def test_two_tables_of_one_name_are_refused(evaluated, scores):
    outcome, folder = evaluated(tables=(scores, scores))
    assert outcome.code == 2
    assert "two score tables are named " in outcome.stderr
    assert not folder.exists()


def test_stdin_is_a_table(evaluated, lines):
    outcome, folder = evaluated(tables=(), stdin=HEADER + "".join(lines))
    assert outcome.code == 0
    assert "scores, test pairs (" in (folder / "summary.txt").read_text()


def test_an_earlier_report_is_replaced_as_a_whole(evaluated, tmp_path):
    curves = tmp_path / "curves.tsv"
    curves.write_text("epoch\ttrain_loss\tvalid_loss\n1\t0.7\t0.6\n")
    _, folder = evaluated("--curves", curves)
    assert (folder / "figures" / "random-loss.svg").exists()
    before = sorted(folder.parent.iterdir())
    outcome, _ = evaluated("--title", "Again")
    assert outcome.code == 0
    assert "Again" in (folder / "report.html").read_text()
    assert not (folder / "figures" / "random-loss.svg").exists()
    assert sorted(folder.parent.iterdir()) == before


def test_a_file_of_the_user_in_an_earlier_report_is_never_deleted(evaluated, data, scores, tool):
    _, folder = evaluated()
    assert sorted(json.loads((folder / "metrics.json").read_text())["files"]) == sorted(contents(folder))
    (folder / "good.tsv").write_bytes(scores.read_bytes())
    before = contents(folder)
    outcome, _ = evaluated()
    assert outcome.code == 1
    assert f"{folder}: holds good.tsv, which cupid-evaluate did not write (" in outcome.stderr
    assert contents(folder) == before
    outcome = tool("evaluate", "-f", data / "rnas.fa", "-o", folder, *FAST, folder / "good.tsv")
    assert outcome.code in (1, 2)
    assert contents(folder) == before


@pytest.mark.parametrize("name", ["thesis.txt", "metrics.json"])
def test_a_folder_of_somebody_else_is_never_replaced(evaluated, tmp_path, name):
    (tmp_path / "report").mkdir()
    (tmp_path / "report" / name).write_text('{"tool": "another"}')
    outcome, folder = evaluated()
    assert outcome.code == 1
    assert "is a folder that cupid-evaluate did not write (name a new or empty one)" in outcome.stderr
    assert contents(folder) == {name: b'{"tool": "another"}'}


def test_a_file_is_no_folder(evaluated, tmp_path):
    (tmp_path / "report").write_text("precious")
    outcome, folder = evaluated()
    assert outcome.code == 1
    assert "is a file (name a folder for the report)" in outcome.stderr
    assert folder.read_text() == "precious"


def replaced(lines, **columns):
    """The first line with other values."""
    names = HEADER.strip().split("\t")
    cells = dict(zip(names, lines[0].strip().split("\t"), strict=True)) | columns
    return ["\t".join(cells.values()) + "\n", *lines[1:]]


def rows_of(lines, *, keep):
    return [
        line for line in lines if keep(dict(zip(HEADER.strip().split("\t"), line.strip().split("\t"), strict=True)))
    ]


BAD = {
    "nan": (lambda x: replaced(x, score="nan"), ":2: score is 'nan' (it must be a finite number)"),
    "infinite": (lambda x: replaced(x, score="-inf"), ":2: score is '-inf'"),
    "text": (lambda x: replaced(x, score="high"), ":2: score is 'high'"),
    "empty": (lambda x: replaced(x, score=""), ":2: score is ''"),
    "unknown-rna": (lambda x: replaced(x, id_b="nobody"), ":2: RNA 'nobody' is not in"),
    "no-test": (lambda x: rows_of(x, keep=lambda r: r["split"] != "test"), ": holds no test rows"),
    "no-train": (lambda x: rows_of(x, keep=lambda r: r["split"] != "train"), ": holds no train rows"),
    "no-positives": (
        lambda x: rows_of(x, keep=lambda r: r["split"] != "valid" or r["label"] == "0"),
        ": the valid rows hold no positives",
    ),
    "no-negatives": (
        lambda x: rows_of(x, keep=lambda r: r["label"] == "1"),
        ": the train rows hold no negatives (run cupid-negatives before cupid-score)",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_tables(evaluated, lines, scores, case):
    change, words = BAD[case]
    scores.write_text(HEADER + "".join(change(lines)))
    outcome, folder = evaluated()
    assert outcome.code == 3
    assert f"cupid-evaluate: ERROR: {scores}{words}" in outcome.stderr
    assert not folder.exists()


@pytest.mark.parametrize("column", ["label", "split", "score"])
def test_a_missing_column_names_the_remedy(evaluated, lines, scores, column):
    place = HEADER.strip().split("\t").index(column)
    rows = [line.rstrip("\n").split("\t") for line in (HEADER, *lines)]
    scores.write_text("".join("\t".join(cells[:place] + cells[place + 1 :]) + "\n" for cells in rows))
    outcome, _ = evaluated()
    assert outcome.code == 3
    assert f"{scores}:1: column '{column}' is missing (give the whole table" in outcome.stderr


def test_without_valid_rows_calls_give_the_threshold(evaluated, lines, scores):
    kept = rows_of(lines, keep=lambda r: r["split"] != "valid")
    scores.write_text(HEADER + "".join(kept))
    outcome, folder = evaluated()
    assert outcome.code == 0
    (experiment,) = json.loads((folder / "metrics.json").read_text())["experiments"]
    called = [float(line.split("\t")[5]) for line in kept if line.endswith("\t1\n")]
    assert experiment["thresholds"] == {
        "model": min(called),
        "degree-sum": None,
        "seed-match": None,
        "relatives": None,
    }
    page = (folder / "report.html").read_text()
    assert "chosen on these test rows themselves" in page
    assert "Calls at one threshold, the one that the calls in the table follow" in page
    assert "never on test" not in page


def test_calls_must_follow_one_threshold(evaluated, lines, scores):
    kept = replaced(rows_of(lines, keep=lambda r: r["split"] != "valid"), call="1", score="0.0")
    scores.write_text(HEADER + "".join(kept))
    outcome, _ = evaluated()
    assert outcome.code == 3
    assert "call is 0 but a lower score is called 1 (use one threshold)" in outcome.stderr


def test_without_valid_rows_and_calls_there_is_no_threshold(evaluated, lines, scores):
    kept = rows_of(lines, keep=lambda r: r["split"] != "valid")
    scores.write_text("".join(line.rsplit("\t", 1)[0] + "\n" for line in (HEADER, *kept)))
    outcome, _ = evaluated()
    assert outcome.code == 3
    assert "column 'call' is missing (without valid rows the threshold is taken from it" in outcome.stderr


def test_genes_merge_the_pairs_of_their_rnas(evaluated, lines, tmp_path):
    names = sorted({name for line in lines for name in line.split("\t")[:2]})
    genes = tmp_path / "genes.tsv"
    genes.write_text("id\tgene\n" + "".join(f"{name}\t{name[:12]}\n" for name in names))
    outcome, folder = evaluated("--genes", genes)
    assert outcome.code == 0
    expected = {
        (split, a[:12], b[:12]) for a, b, _, split, *_ in (line.split("\t") for line in lines) if split != "train"
    }
    (experiment,) = json.loads((folder / "metrics.json").read_text())["experiments"]
    assert experiment["evaluated_rows"] == len(expected) < sum("\ttrain\t" not in line for line in lines)
    genes.write_text("id\tgene\n" + "".join(f"{name}\t{name}\n" for name in names[1:]))
    outcome, _ = evaluated("--genes", genes)
    assert outcome.code == 3
    assert f"{genes}: RNA '{names[0]}' has no gene (list every RNA of the pairs)" in outcome.stderr


def test_groups_of_the_user_are_the_relatives(evaluated, lines, tmp_path):
    names = sorted({name for line in lines for name in line.split("\t")[:2]})
    groups = tmp_path / "groups.tsv"
    groups.write_text("id\tgroup\n" + "".join(f"{name}\tall\n" for name in names))
    outcome, folder = evaluated("--groups", groups)
    assert outcome.code == 0
    classes = {tuple(line.split("\t")[1:4:2]) for line in (folder / "metrics.tsv").read_text().splitlines()[1:]}
    assert ("test", "strict-C1") in classes
    assert not {("test", "strict-C3"), ("test", "strict-C2-left")} & classes
    few = "On all test pairs intervals draw few units, 1 of lncRNA and 1 of miRNA: they are narrower than they should"
    assert f"cupid-evaluate: WARNING: random: {few}" in outcome.stderr
    page = (folder / "report.html").read_text()
    assert few in page
    assert "Units that intervals draw: 1 of lncRNA (the largest in 100% of the pairs), 1 of miRNA (" in page


def test_curves_are_drawn(evaluated, tmp_path):
    curves = tmp_path / "curves.tsv"
    curves.write_text("epoch\tlearning_rate\ttrain_loss\tvalid_loss\n1\t0.1\t0.7\t0.6\n2\t0.1\t0.5\t0.55\n")
    outcome, folder = evaluated("--curves", curves)
    assert outcome.code == 0
    assert (folder / "figures" / "random-loss.svg").exists()
    outcome, _ = evaluated("--curves", curves, "--curves", curves)
    assert outcome.code == 2
    for content, words in (("epoch\tloss\n1\t2\n", ":1: column 'train_loss' is missing"), ("", ":1: column 'epoch'")):
        curves.write_text(content)
        outcome, _ = evaluated("--curves", curves)
        assert outcome.code == 3
        assert f"{curves}{words}" in outcome.stderr


def test_unknown_baselines_are_a_usage_error_and_none_is_none(evaluated):
    outcome, folder = evaluated(fast=["--baselines", "degree"])
    assert outcome.code == 2
    assert "argument --baselines: 'degree' is none of prevalence, " in outcome.stderr
    assert not folder.exists()
    outcome, folder = evaluated(fast=["--baselines", "none", "--bootstrap", "5"])
    assert outcome.code == 0
    assert (folder / "gaps.tsv").read_text().count("\n") == 1
    assert "better than" not in (folder / "report.html").read_text().split("<nav")[0]
    assert "On all test pairs no baseline was compared" in (folder / "report.html").read_text()


def test_the_report_json_counts_every_row(evaluated, lines, scores, tmp_path):
    swapped = [line.split("\t") for line in lines[:5]]
    extra = ["\t".join([b, a, label, split, "augmented:swap", *rest]) for a, b, label, split, _, *rest in swapped]
    scores.write_text(HEADER + "".join([*lines, *extra]))
    outcome, _ = evaluated("--report", tmp_path / "run.json")
    assert outcome.code == 0
    counts = json.loads((tmp_path / "run.json").read_text())["counts"]["pairs"]
    train = sum("\ttrain\t" in line for line in lines)
    assert counts == {
        "read": len(lines) + 5,
        "added": 0,
        "written": len(lines) - train,
        "dropped": {"augmented-row": 5, "train-row": train},
    }


@pytest.fixture
def energies(lines):
    """The header and the rows of the table with energies that know the label a little."""
    rows = [line.rstrip("\n").split("\t") for line in lines]
    told = [f"{-8 * digest('energy', a, b) - 4 * int(label):.2f}" for a, b, label, *_ in rows]
    header = HEADER.replace("\n", "\tenergy\tengine\n")
    return header, ["\t".join([*row, energy, "RNAhybrid 2.1.2"]) + "\n" for row, energy in zip(rows, told, strict=True)]


def test_energies_are_compared_with_the_model(evaluated, energies):
    header, rows = energies
    outcome, folder = evaluated(tables=(), stdin=header + "".join(rows))
    assert outcome.code == 0
    assert "cupid-evaluate: scores, test pairs, beside energy: energy AUROC 0." in outcome.stderr
    assert "]: the model knows more than energy; model+energy - model: AUPRC +0." in outcome.stderr
    assert "WARNING" not in outcome.stderr
    assert "energy.tsv" in json.loads((folder / "metrics.json").read_text())["files"]
    header, *lines = (folder / "energy.tsv").read_text().splitlines()
    assert header == "experiment\ttype_pair\toverlap\twhat\tmetric\tvalue\tlow\thigh\tp\tn"
    assert {line.split("\t")[3] for line in lines} >= {"energy", "model+energy", "model+energy - energy"}
    assert "computed by RNAhybrid 2.1.2" in (folder / "report.html").read_text()
    assert (folder / "figures" / "scores-energy.svg").exists()


def test_unknown_energies_are_warned_of_and_others_refused(evaluated, energies, scores):
    header, rows = energies
    place = next(place for place, row in enumerate(rows) if "\ttest\t" in row)
    for value, code, words in (
        ("NA", 0, "WARNING: random: 1 of "),
        ("0.5", 3, f"{scores}:{place + 2}: energy is '0.5' (it must be a number of kcal/mol, at most 0, or NA)"),
    ):
        cells = rows[place].split("\t")
        changed = "\t".join([*cells[:-2], value, cells[-1]])
        scores.write_text(header + "".join([*rows[:place], changed, *rows[place + 1 :]]))
        outcome, _ = evaluated()
        assert outcome.code == code
        assert words in outcome.stderr


def test_only_tables_with_energies_are_compared_with_them(evaluated, energies, scores, tmp_path):
    header, rows = energies
    (tmp_path / "other.tsv").write_text(header + "".join(rows))
    outcome, folder = evaluated(tables=(scores, tmp_path / "other.tsv"))
    assert outcome.code == 0
    told = (folder / "energy.tsv").read_text().splitlines()[1:]
    assert {line.split("\t")[0] for line in told} == {"other"}
    one, other = json.loads((folder / "metrics.json").read_text())["experiments"]
    assert "energy" not in one
    assert other["energy"]["engines"] == ["RNAhybrid 2.1.2"]


def strict_rows(lines):
    """The rows whose test RNAs, kept apart by their names, are in no train row."""

    def tested(name):
        return digest("tested", name) < 0.4

    kept = []
    for line in lines:
        a, b, label, _, *rest = line.split("\t")
        if tested(a) == tested(b):
            split = "test" if tested(a) else "valid" if digest("valid", a, b) < 0.3 else "train"
            kept.append("\t".join([a, b, label, split, *rest]))
    return kept


def test_a_test_rna_that_train_holds_is_refused_where_it_must_be_unseen(evaluated, lines, scores):
    kept = strict_rows(lines)
    scores.write_text(HEADER + "".join(kept))
    outcome, _ = evaluated("--require-unseen", "rnas", fast=FASTEST)
    assert outcome.code == 0
    place = next(place for place, line in enumerate(kept) if "\ttest\t" in line)
    leaked = kept[place].split("\t")[0]
    target = next(line.split("\t")[1] for line in kept if "\ttrain\t" in line)
    extra = "\t".join([leaked, target, "0", "train", "negative:uniform", "0.5", "1"]) + "\n"
    scores.write_text(HEADER + "".join([*kept, extra]))
    outcome, folder = evaluated("--require-unseen", "rnas", output="leaking")
    assert outcome.code == 3
    words = f"{scores}:{place + 2}: test RNA '{leaked}' is not unseen: train holds it too (split with cupid-split --by"
    assert f"cupid-evaluate: ERROR: {words}" in outcome.stderr
    assert not folder.exists()
    assert evaluated(fast=FASTEST)[0].code == 0  # nobody asked


def test_a_relative_in_train_is_refused_where_relatives_must_be_unseen(evaluated, lines, scores, tmp_path):
    kept = strict_rows(lines)
    scores.write_text(HEADER + "".join(kept))
    place = next(place for place, line in enumerate(kept) if "\ttest\t" in line)
    tested, trained = kept[place].split("\t")[0], next(x.split("\t")[0] for x in kept if "\ttrain\t" in x)
    names = sorted({name for line in lines for name in line.split("\t")[:2]})
    groups = tmp_path / "groups.tsv"
    of = {name: name for name in names}
    groups.write_text("id\tgroup\n" + "".join(f"{name}\t{group}\n" for name, group in of.items()))
    options = ["--groups", groups, "--require-unseen", "relatives"]
    assert evaluated(*options, fast=FASTEST)[0].code == 0
    of[tested] = trained
    groups.write_text("id\tgroup\n" + "".join(f"{name}\t{group}\n" for name, group in of.items()))
    outcome, _ = evaluated(*options)
    assert outcome.code == 3
    words = f"{scores}:{place + 2}: test RNA '{tested}' is not unseen: train holds its relative as '{trained}' ("
    assert words in outcome.stderr
    assert evaluated("--groups", groups, "--require-unseen", "rnas", fast=FASTEST)[0].code == 0


def test_tables_of_the_same_pairs_are_compared(evaluated, lines, scores, tmp_path):
    cells = [line.split("\t") for line in lines]
    guesses = ["\t".join([*row[:5], f"{digest('guess', *row[:2]):.3f}", "0\n"]) for row in cells]
    (tmp_path / "guess.tsv").write_text(HEADER + "".join(guesses))
    (tmp_path / "few.tsv").write_text(HEADER + "".join(replaced_test_labels(lines)))
    outcome, folder = evaluated(tables=(scores, tmp_path / "guess.tsv", tmp_path / "few.tsv"))
    assert outcome.code == 0
    assert "random and guess, test pairs of both (245): random - guess: AUPRC +0." in outcome.stderr
    assert "]: random ranks better" in outcome.stderr
    header, *rows = [line.split("\t") for line in (folder / "compared.tsv").read_text().splitlines()]
    assert header == ["one", "other", "type_pair", "overlap", "what", "metric", "value", "low", "high", "p", "n"]
    assert {tuple(row[:2]) for row in rows} == {("random", "guess")}
    assert {row[4] for row in rows} == {"random", "guess", "random - guess"}
    compared = json.loads((folder / "metrics.json").read_text())["compared"]
    assert [(both["one"], both["other"], both["shared"]) for both in compared] == [
        ("random", "guess", 245),
        ("random", "few", 0),
        ("guess", "few", 0),
    ]
    page = (folder / "report.html").read_text()
    assert "random and guess share 245 of the 245 test pairs of the smaller table." in page
    assert "guess and few share 0 of the 245 test pairs of the smaller table: fewer than 50%, too few to" in page


def replaced_test_labels(lines):
    """Every test pair with the other label."""
    for line in lines:
        a, b, label, split, *rest = line.split("\t")
        yield "\t".join([a, b, str(1 - int(label)) if split == "test" else label, split, *rest])


def test_strategies_stand_side_by_side(evaluated):
    _, folder = evaluated()
    page = (folder / "report.html").read_text()
    table = page.split("<h3>Negatives of several strategies</h3>")[1].split("</table>")[0]
    assert '<th scope="col">type-matched</th><th scope="col">uniform</th>' in table
    found = json.loads((folder / "metrics.json").read_text())["experiments"][0]["metrics"]
    (wanted,) = [
        row
        for row in found
        if (row["split"], row["overlap"], row["strategy"], row["method"]) == ("test", "C1", "uniform", "model")
    ]
    row = table.split('<th scope="row">C1</th>')[1].split("</tr>")[0]
    assert f"{wanted['auroc']:.3f} / {wanted['auprc']:.3f}" in row.split("<td>")[2]
