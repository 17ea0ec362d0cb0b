"""Programs of others that tests run."""

import os
import shutil
import subprocess

import pytest


def needs(program):
    """Mark tests of a program that continuous integration installs: they fail there without it, and skip elsewhere."""
    absent = shutil.which(program) is None and not os.environ.get("CI")
    return pytest.mark.skipif(absent, reason=f"{program} is not on PATH")


def require(missing, what):
    """Skip the test that runs where programs are *missing*; continuous integration installs them, so fail there."""
    if missing:
        refuse = pytest.fail if os.environ.get("CI") else pytest.skip
        refuse(f"{what} needs {', '.join(missing)} on this machine")


def obtained(make, what):
    """What *make* returns, which needs a network the first time."""
    try:
        return make()
    except subprocess.CalledProcessError as error:
        require([f"what {error.cmd[0]} could not download"], what)
