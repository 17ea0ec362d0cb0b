"""How long ``cupid-TOOL --help`` takes, beside Python's own start.

    python benchmarks/startup.py

Goal: 0.15 s for every tool.
"""

from __future__ import annotations

import sys

from measure import BIN, median

RUNS = 15
GOAL = 0.15


def main() -> None:
    """Print one row a tool."""
    bare = median([sys.executable, "-c", "import argparse"], RUNS).seconds
    print(f"{'command':28} {'seconds':>8} {'x bare':>7}  goal {GOAL} s")
    print(f"{'python -c import argparse':28} {bare:8.3f} {1:7.1f}")
    for path in sorted(BIN.glob("cupid-*")):
        cost = median([path, "--help"], RUNS)
        print(f"{path.name + ' --help':28} {cost.seconds:8.3f} {cost.seconds / bare:7.1f}  {cost.seconds <= GOAL}")


if __name__ == "__main__":
    main()
