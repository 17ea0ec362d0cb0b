"""Programs of others that tests run."""

import os
import shutil

import pytest


def needs(program):
    """Mark tests of a program that continuous integration installs: they fail there without it, and skip elsewhere."""
    absent = shutil.which(program) is None and not os.environ.get("CI")
    return pytest.mark.skipif(absent, reason=f"{program} is not on PATH")
