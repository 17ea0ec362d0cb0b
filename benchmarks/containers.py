"""What the image of the tools weighs, what of it is what, and how fast it starts beside the tools outside.

    python benchmarks/containers.py

It is the image that the tests build; tests/containers/podman.py tells what must be installed. Goal: --help within 1.5
times the native start.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections import Counter
from pathlib import Path

from measure import BIN, Cost, middle, run

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.containers.podman import CLOSED, Podman, variant

RUNS = 9
TOOLS = ("cupid-filter", "cupid-score", "intarna-compare")
SHOWN = 12
LOOP = "for i in $(seq {runs}); do {tool} --help >/dev/null; done"
SIZES = """\
cd /opt/cupid-tools/lib/python3*/site-packages && du -s --bytes -- * | sort -rn
"""


def main() -> None:
    """Print sizes, then starts."""
    with tempfile.TemporaryDirectory() as folder, Podman(Path(folder)) as podman:
        os.environ.update(podman.env)
        image = podman.build("app")
        print(f"variant {variant()}")
        _sizes(podman, image)
        _starts(image)


def _sizes(podman: Podman, image: str) -> None:
    everything = int(podman("image", "inspect", "--format", "{{.Size}}", image))
    found: Counter[str] = Counter()
    for line in podman("run", "--rm", image, "bash", "-c", SIZES).splitlines():
        size, name = line.split("\t")
        found[name] += int(size)
    print(f"{'image':28} {everything / 1e6:10,.0f} MB")
    for name, size in found.most_common(SHOWN):
        print(f"  {name:26} {size / 1e6:10,.0f} MB")
    rest = sum(found.values()) - sum(size for _, size in found.most_common(SHOWN))
    print(f"  {'other Python packages':26} {rest / 1e6:10,.0f} MB")
    print(f"  {'Debian, with Python':26} {(everything - sum(found.values())) / 1e6:10,.0f} MB")


def _starts(image: str) -> None:
    """Rounds of all, one after the other, so that what else the machine does meets all alike."""
    print(f"{'--help, seconds':28} {'outside':>8} {'inside':>8} {'ratio':>6} {'with podman run':>16}")
    container = ["podman", "run", "--rm", *CLOSED, image]
    for tool in TOOLS:
        rounds: dict[str, list[Cost]] = {"outside": [], "inside": [], "run": []}
        for _ in range(RUNS):
            rounds["outside"].append(run([BIN / tool, "--help"]))
            many = run([*container, "bash", "-c", LOOP.format(runs=11, tool=tool)])
            once = run([*container, "bash", "-c", LOOP.format(runs=1, tool=tool)])
            rounds["inside"].append(Cost((many.seconds - once.seconds) / 10, 0, 0))
            rounds["run"].append(run([*container, tool, "--help"]))
        outside, inside, whole = (middle(costs).seconds for costs in rounds.values())
        print(f"{tool:28} {outside:8.3f} {inside:8.3f} {inside / outside:6.2f} {whole:16.3f}")


if __name__ == "__main__":
    main()
