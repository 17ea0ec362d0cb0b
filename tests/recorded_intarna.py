"""A stand-in for the program IntaRNA 3.4.1, which answers with what the real one was recorded to answer.

It reads its command line as the real program does (Boost's program options: any case, no abbreviations, a value behind
``=`` or as the next word, words that belong to no option overlooked), and refuses what that refuses: in the recorded
words, with the recorded exit status, leaving the recorded empty file behind. The settings on the command line choose
the recorded runs, and the sequences choose the rows; cells are those that were recorded, byte for byte, under the ids
that it was given.

Nothing is made up. Where no recorded run holds a pair under such settings it ends with exit status 99, so that no test
passes on invented numbers. One answer is known without a recording: RNAs of nothing but A never pair with each other.
Accessibilities were not recorded: ``--out=tAcc:FILE`` writes a token with an empty table, and ``--tAcc=E`` wants that
token and then answers with energies that were recorded without it (the real ones differ by up to 0.04 kcal/mol).

Each call is appended to the file that ``RECORDED_CALLS`` names, as a line of JSON. It needs the standard library only.
"""

from __future__ import annotations

import gzip
import json
import os
import re
import shlex
import sys
from pathlib import Path

RECORDED = Path(__file__).parent.parent / "test-data" / "intarna_recorded"
VERSION = "IntaRNA 3.4.1\n using Vienna RNA package 2.7.2 and boost 1.74.0\n"
COLUMNS = "id1;start1;end1;id2;start2;end2;subseqDP;hybridDP;E"

FLAGS = """
    noSeed helixFullE seedNoGU seedNoGUend energyNoDangles accNoLP accNoGUend outBestSeedOnly outNoLP outNoGUend
    outPerRegion outPairwise verbose version help fullhelp
"""
VALUES = """
    query target qId tId qIdxPos0 tIdxPos0 qSet tSet qAcc tAcc qAccW tAccW qAccL tAccL qAccConstr tAccConstr qAccFile
    tAccFile qIntLenMax tIntLenMax qIntLoopMax tIntLoopMax qRegion tRegion qRegionLenMax tRegionLenMax qPfScale tPfScale
    acc accW accL intLenMax intLoopMax helixMinBP helixMaxBP helixMaxIL helixMinPu helixMaxE seedTQ seedBP seedMaxUP
    seedQMaxUP seedTMaxUP seedMaxE seedMaxEhybrid seedMinPu seedQRange seedTRange qShape tShape qShapeMethod
    tShapeMethod qShapeConversion tShapeConversion mode model energy energyVRNA energyAdd temperature windowWidth
    windowOverlap out outSep outMode outNumber outOverlap outDeltaE outMaxE outMinPu outCsvCols outCsvSort
    default-log-file threads personality parameterFile
"""
TAKES_VALUE = dict.fromkeys(VALUES.lower().split(), True) | dict.fromkeys(FLAGS.lower().split(), False)
SHORT = {"q": "query", "t": "target", "m": "mode", "e": "energy", "n": "outnumber", "v": "verbose", "h": "help"}
RANGES = {"seedbp": ("seedBP", 2, 20), "threads": ("threads", 0, os.cpu_count() or 1)}
"""Number that must lie within limits, as it is spelled; other numbers are not looked at."""
NO_SETTING = {"query", "target", "qid", "tid", "out", "outmode", "outcsvcols", "outcsvsort", "threads"}
NO_SETTING |= {"default-log-file", "tacc", "taccfile"}
"""Options that change no row."""
SELECTING = {"outpairwise", "outnumber", "qset", "tset"}
"""Options of runs in which a pair may lack its row, or have several."""


class Refused(Exception):
    """What the program prints to stdout, and its exit status."""

    def __init__(self, text, status=1):
        super().__init__(text)
        self.text, self.status = text, status


def not_recorded(what):
    return Refused(f"# ERROR : NOT RECORDED: {what}", 99)


def parse(words):
    """Options in small letters -> their values."""
    misuse = " : run with '--help' for allowed arguments"
    options, words = {}, list(words)
    if any(re.match("--personality(?!=.)", word, re.I) for word in words):
        raise Refused("# ERROR : --personality provided without argument (no spaces allowed!)", 255)
    while words:
        word = words.pop(0)
        if not word.startswith("-"):
            continue  # as Boost does
        name, given, value = word.partition("=") if word.startswith("--") else (word[:2], word[2:], word[2:])
        option = name[2:].lower() if name.startswith("--") else SHORT.get(name[1:].lower())
        if option not in TAKES_VALUE:
            raise Refused(f"# ERROR : unrecognised option '{name}'{misuse}", 231)
        if TAKES_VALUE[option] and not given:
            if not words:
                raise Refused(f"# ERROR : the required argument for option '{name}' is missing{misuse}", 231)
            value = words.pop(0)
        if option in options and option != "out":
            raise Refused(f"# ERROR : option '{name}' cannot be specified more than once{misuse}", 231)
        options.setdefault(option, []).append(value if given or TAKES_VALUE[option] else "true")
    return options


def check_ranges(options):
    for option, (spelled, low, high) in RANGES.items():
        for value in options.get(option, []):
            if not low <= int(value) <= high:
                raise Refused(f"# ERROR : {spelled} = {value} : has to be in the range [{low},{high}]")


def settings(options):
    return frozenset((name, *values) for name, values in options.items() if name not in NO_SETTING)


def read_sequences(role, given, name, folder):
    """The RNAs of a file, or the one that stands on the command line, as pairs of id and sequence."""
    if re.fullmatch("[ACGTUN]+", given, re.I):
        return [(name, normal(given))]
    path = Path(folder, given)
    if not path.exists():
        raise Refused(
            f"# ERROR : Can't find the file '{given}'!\n"
            f"# ERROR : {role} '{given}' : is neither STDIN, a file name, or a sequence!"
        )
    found = []
    for line in filter(None, text_of(path).splitlines()):
        if line.startswith(">"):
            found.append([line[1:].split()[0] if line[1:].split() else "", ""])
        elif not found:
            raise empty(role, "", first=f"# ERROR : FASTA parsing of {role} : found sequence data without leading ID\n")
        else:
            found[-1][1] += normal(line)
    if not found or not found[-1][1]:
        raise empty(role, found[-1][0] if found else "")
    return [tuple(each) for each in found]


def text_of(path):
    content = path.read_bytes()
    return (gzip.decompress(content) if content.startswith(b"\x1f\x8b") else content).decode()


def empty(role, name, first=""):
    return Refused(
        f"{first}# ERROR : FASTA parsing of {role} : no sequence for ID '{name}'\n"
        f"# ERROR : {role} requires at least 1 sequences!\n"
        "# ERROR : vector::_M_range_check: __n (which is 0) >= this->size() (which is 0)"
    )


def normal(sequence):
    return re.sub("[^ACGU]", "N", sequence.strip().upper().replace("T", "U"))


def inputs(options, folder="."):
    """The targets and the queries."""
    names = [options.get(key, [default])[0] for key, default in (("tid", "target"), ("qid", "query"))]
    return [
        read_sequences(role, options[role][0], name, folder)
        for role, name in zip(("target", "query"), names, strict=True)
    ]


def recorded_runs(wanted):
    """Of each recorded run that worked under the *wanted* settings: its name, log lines, RNAs, and rows in order."""
    for line in (RECORDED / "cases.tsv").read_text().splitlines()[1:]:
        case, status, _, command = line.split("\t")
        options = parse(shlex.split(command)[1:]) if status == "0" else {}
        if options.get("outmode") != ["C"] or settings(options) != wanted or SELECTING & set(options):
            continue
        targets, queries = inputs(options, RECORDED / "inputs")
        if any(len({name for name, _ in rnas}) < len(rnas) for rnas in (targets, queries)):
            continue  # rows of equal ids cannot be told apart
        if "seedqrange" in options:  # which is right for queries as long as the first
            queries = [rna for rna in queries if len(rna[1]) == len(queries[0][1])]
        lines = (RECORDED / "outputs" / f"{case}.out").read_text().splitlines()
        header, *rows = [line.split(";") for line in lines if not line.startswith("#")]
        yield case, [line for line in lines if line.startswith("#")], targets, queries, header, rows


def recorded_pairs(wanted):
    """(target, query) -> column -> cell, empty where there was no row; and the log lines of these runs."""
    pairs, log = {}, []
    for _, lines, targets, queries, header, rows in recorded_runs(wanted):
        log = log or lines
        by_id = {(cells["id1"], cells["id2"]): cells for cells in (dict(zip(header, row, strict=True)) for row in rows)}
        for target, first in targets:
            for query, second in queries:
                new = by_id.get((target, query), {})
                cells = pairs.setdefault((first, second), {})
                assert all(
                    cells.get(column, new[column]) == new[column]
                    for column in ("E", "start1", "hybridDP")
                    if column in new
                )
                cells.update(new)
    return pairs, log


def check_lengths(options, targets, queries):
    if "noseed" in options:
        return
    least = int(options.get("seedbp", ["7"])[0])
    for role, rnas in (("query", queries), ("target sequence", targets)):
        for name, sequence in rnas:
            if len(sequence) < least:
                what = f"length of {role} {name} is below minimal number of seed base pairs (seedBP={least})"
                raise Refused(f"# ERROR : {what}")
    if "seedqrange" in options:
        last = max(map(int, re.findall(r"\d+", options["seedqrange"][0])))
        if any(len(sequence) < last for _, sequence in queries):
            raise Refused("# ERROR : seedQRange : subrange is out of bounds")
        if len({len(sequence) for _, sequence in queries}) > 1:
            raise not_recorded("a seed range, which is counted by the first query, for queries of several lengths")


def check_ids(targets, queries):
    if [name for name, _ in targets] != ["t"] or any(not re.fullmatch(r"q\d+", name) for name, _ in queries):
        raise not_recorded("ids that are not synthetic")
    if len({name for name, _ in queries}) < len(queries):
        raise not_recorded("ids that occur twice")


def rows_of(options, targets, queries, columns):
    """The lines of the table, and the lines of the log."""
    pairs, log = recorded_pairs(settings(options))
    target, lines = targets[0][1], []
    for name, query in queries:
        if not set(target + query) <= {"A"}:
            if (target, query) not in pairs:
                raise not_recorded(f"{query} with {target[:20]}... under {sorted(settings(options))}")
            cells = pairs[target, query]
            if cells and set(columns) - set(cells):
                raise not_recorded(f"columns {columns}")
            if cells:
                lines.append([(cells | {"id1": targets[0][0], "id2": name})[column] for column in columns])
    return [";".join(line) for line in lines], log


def token(options, target):
    """What stands for accessibilities: they depend on the target and on all settings."""
    return f"#unpaired energies of {target} under {sorted(settings(options))}\n"


def answer(options):
    """The table and the log of one call."""
    out = dict(value.split(":", 1) if value.startswith("tAcc:") else ("", value) for value in options.get("out", []))
    if "" in out:
        Path(out[""]).write_text("")
    check_ranges(options)
    targets, queries = inputs(options)
    note_call(targets, queries)
    check_lengths(options, targets, queries)
    check_ids(targets, queries)
    columns = options.get("outcsvcols", [COLUMNS.replace(";", ",")])[0].split(",")
    if options.get("tacc") == ["E"] and Path(options["taccfile"][0]).read_text() != token(options, targets[0][1]):
        raise Refused("# ERROR : Exception raised : accessibilities of another RNA, or of other settings", 255)
    lines, log = ([], []) if "tAcc" in out else rows_of(options, targets, queries, columns)
    if "tAcc" in out:
        Path(out["tAcc"]).write_text(token(options, targets[0][1]))
    text = "".join(f"{line}\n" for line in [";".join(columns), *lines])
    if "" in out:
        Path(out[""]).write_text(text)
        text = ""
    return "".join(f"{line}\n" for line in log) + text


def note_call(targets, queries):
    if "RECORDED_CALLS" in os.environ:
        call = {"argv": sys.argv[1:], "targets": dict(targets), "queries": dict(queries)}
        with open(os.environ["RECORDED_CALLS"], "a") as handle:
            handle.write(json.dumps(call) + "\n")


def main(words):
    try:
        options = parse(words)
        if "version" in options:
            sys.stdout.write(VERSION)
            return 0
        if options.get("outmode") != ["C"] or {"query", "target"} - set(options):
            raise not_recorded("another mode of output, or no RNAs")
        sys.stdout.write(answer(options))
    except Refused as refused:
        sys.stdout.write(f"{refused.text}\n")
        return refused.status
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
