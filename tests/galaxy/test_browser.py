"""What a biologist sees in a browser: the tour from upload to scores, a report, and a mistake that is told.

Pictures of it stay in build/galaxy.
"""

import shutil
import time

import pytest
import yaml
from playwright.sync_api import expect, sync_playwright

from tests.galaxy.server import ROOT, WRAPPERS
from tests.programs import require

PICTURES = ROOT / "build" / "galaxy"
A_JOB = 300_000
"""Milliseconds that a job may take, with all that Galaxy does for it."""


@pytest.fixture(scope="module")
def browser():
    """Chromium without a window."""
    chromium = shutil.which("chromium")
    require([] if chromium else ["chromium"], "a browser")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def page(browser, galaxy):
    """A page of Galaxy with a history that is empty."""
    context = browser.new_context(base_url=galaxy.url, viewport={"width": 1400, "height": 1000})
    page = context.new_page()
    page.set_default_timeout(60_000)
    page.goto("/")
    page.wait_for_selector("#current-history-panel")
    page.history = galaxy.post("histories", name="RNAs of mine")["id"]
    context.request.get(f"/history/set_as_current?id={page.history}")
    yield page
    context.close()


def picture(page, name):
    PICTURES.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=PICTURES / f"{name}.png")


def play(page, tour):
    """Play a tour in Galaxy's own player, as a user who presses Continue.

    The player waits 40 s for the element of a step, such as a dataset that is green, and then says that the tour
    failed; where a server is slower than that, the user closes the message and presses again.
    """
    failed = page.get_by_role("dialog").filter(has_text="Tour Failed")
    steps = yaml.safe_load(tour.read_text(encoding="utf-8"))["steps"]
    page.goto(f"/tours/{tour.stem}")
    for number, step in enumerate(steps, start=1):
        bubble = page.locator(".tour-element").filter(has_text=step["content"].split("<")[0].strip()[:60])
        end = time.monotonic() + A_JOB / 1000
        bubble.or_(failed).first.wait_for()
        while failed.is_visible() and time.monotonic() < end:
            failed.get_by_role("button").first.click()
            page.locator(".tour-next").click()
            bubble.or_(failed).first.wait_for()
        picture(page, f"{tour.stem}-{number:02}")
        bubble.locator(".tour-next, .tour-end").last.click()


def test_the_tour_leads_from_upload_to_scores(page):
    play(page, ROOT / "docs" / "galaxy" / "tours" / "cupid_score.yaml")
    expect(page.locator("#center")).to_contain_text("0.729023")
    picture(page, "scores")


def test_a_mistake_is_told_where_a_biologist_looks(page, galaxy):
    pairs = "id_a\tid_b\nmiR-29a\tHOTAIR\n"
    fasta = (
        ">hsa-miR-29a-3p type=miRNA\nUAGCACCAUCUGAAAUCGGUUA\n>HOTAIR type=lncRNA\nGACUCGCCUGUGCUCUGGAGCUUGAUCCGAAAG\n"
    )
    galaxy.upload(page.history, RNAs=("fasta", fasta), **{"my pairs; $(touch x) 'new'": ("tabular", pairs)})
    page.goto("/?tool_id=cupid_score")
    run = page.locator("#execute:not(.g-disabled)").first
    run.click()
    failed = page.locator('#current-history-panel .content-item[data-hid="3"][data-state="error"]')
    failed.wait_for(timeout=A_JOB)
    failed.locator(".click-curtain, .content-title").first.click()
    expect(failed).to_contain_text("cupid-score: ERROR: pairs.tsv:2: RNA 'miR-29a' is not in rnas.fa")
    picture(page, "mistake")


def test_a_report_is_shown_whatever_the_names_of_datasets_are(page, galaxy):
    name = "scores of 'mine'; touch a b `touch c` $(touch d) \"e\".tsv"
    data = WRAPPERS / "test-data"
    rnas, scores = galaxy.upload(
        page.history,
        RNAs=("fasta", (data / "kept.fa").read_text(encoding="utf-8")),
        **{name: ("tabular", (data / "scores.tsv").read_text(encoding="utf-8"))},
    )
    inputs = {"experiments_0|scores": {"src": "hda", "id": scores}, "fasta": {"src": "hda", "id": rnas}}
    made = galaxy.start(page.history, "cupid_evaluate", **inputs, **{"intervals|bootstrap": 20})
    report = galaxy.finished(made["html"])
    page.goto(f"/datasets/{report}")
    shown = page.frame_locator("iframe[name='frame']").locator("body")
    expect(shown).to_contain_text("Can these scores be trusted?")
    expect(shown).to_contain_text("scores of mine")  # Galaxy itself makes an X of letters that a shell minds
    picture(page, "report")
