"""What setup.cfg, the Dockerfile and the locks of requirements say."""

import configparser
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
CONTAINERS = ROOT / "containers"
DOCKERFILE = (CONTAINERS / "Dockerfile").read_text(encoding="utf-8")
REQUIREMENTS = {path.stem: path.read_text(encoding="utf-8") for path in CONTAINERS.glob("requirements/*.txt")}


def setup(section, option):
    """The lines of an option of setup.cfg."""
    parser = configparser.ConfigParser()
    parser.read(ROOT / "setup.cfg")
    return parser[section][option].strip().splitlines()


TOOLS = [line.split(" = ")[0] for line in setup("options.entry_points", "console_scripts")]


def argument(name):
    return re.search(rf"^ARG {name}=(.*)$", DOCKERFILE, re.MULTILINE).group(1)


def pins(text):
    """(name, version) of each line of a file of requirements; a name has several where Python's version decides."""
    return set(re.findall(r"^([^ =]+)==([^ ;\n]+)", text, re.MULTILINE))
