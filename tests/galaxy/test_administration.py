"""What administrators take over: examples of resources, tables of what a server has, and the suite as a whole."""

import re
from xml.etree import ElementTree

import pytest
import yaml

from tests.galaxy.server import IDS, PAGES, ROOT, WRAPPERS, run

EXAMPLES = ROOT / "docs" / "galaxy"
TABLES = {
    table.get("name"): table.findtext("columns")
    for table in ElementTree.parse(WRAPPERS / "tool_data_table_conf.xml.sample").getroot()
}


@pytest.fixture
def tpv(galaxy_programs):
    """Run Total Perspective Vortex: ``tpv("lint", file)``; what it prints."""

    def told(*args):
        done = run(galaxy_programs, "tpv", *args)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return told


@pytest.mark.timeout(1200)
def test_the_example_of_resources_is_valid_and_sends_jobs_where_it_says(tpv):
    tpv("lint", EXAMPLES / "tpv.yml")
    for tool, asked in {
        "cupid_filter": "--cpus-per-task=1 --mem=2048",
        "toolshed.example.org/repos/cupid-tools/cupid_train/cupid_train/0.1.0+galaxy0": "--cpus-per-task=2 --mem=4096",
    }.items():
        told = tpv("dry-run", "--job-conf", EXAMPLES / "job_conf.yml", "--tool", tool, EXAMPLES / "tpv.yml")
        assert asked in told
        assert "runner: slurm" in told


def test_every_tool_has_one_rule_of_resources():
    rules = yaml.safe_load((EXAMPLES / "tpv.yml").read_text(encoding="utf-8"))["tools"]
    for name in IDS:
        for tool in (name, f"toolshed.example.org/repos/cupid-tools/{name}/{name}/0.1.0+galaxy0"):
            assert sum(bool(re.fullmatch(rule, tool)) for rule in rules) == 1, tool


def test_tables_of_the_server_are_those_that_forms_read(forms):
    read = {each.get("from_data_table") for form in forms.values() for each in form.iter("options")} - {None}
    assert read == set(TABLES)
    tested = ElementTree.parse(WRAPPERS / "tool_data_table_conf.xml.test").getroot()
    assert {table.get("name"): table.findtext("columns") for table in tested} == TABLES
    for name in TABLES:
        assert (WRAPPERS / "tool-data" / f"{name}.loc.sample").exists()


def test_administrators_are_told_of_all_tools_that_write_pages(forms):
    writing = {form.get("id") for form in forms.values() if form.find("outputs/data[@format='html']") is not None}
    assert writing == set(PAGES)
    told = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    assert all(name in told for name in PAGES)
