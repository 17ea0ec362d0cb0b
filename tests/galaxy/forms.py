"""What the wrappers ask users, as Galaxy reads them."""

from xml.etree import ElementTree

from tests.galaxy.server import TOOLS, run

EXPAND = """
import sys
from galaxy.util import xml_to_string
from galaxy.util.xml_macros import load
print("<forms>", *(xml_to_string(load(path).getroot()) for path in sys.argv[1:]), "</forms>")
"""


def read_forms(programs):
    """The root element of every wrapper by its file's stem, macros expanded by Galaxy, whose *programs* these are."""
    done = run(programs, "python", "-c", EXPAND, *TOOLS)
    assert done.returncode == 0, done.stderr
    return {path.stem: form for path, form in zip(TOOLS, ElementTree.fromstring(done.stdout), strict=True)}
