"""Write what an image holds as a CycloneDX bill of materials:  python sbom.py ENVIRONMENT FILE

ENVIRONMENT is the virtual environment with cupid-tools. Packages of Debian are those that dpkg knows, and those of
Conda what the environments in /opt tell. Neither time nor serial number is written: equal images have equal bills.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from importlib.metadata import distributions
from pathlib import Path
from typing import NamedTuple

from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

PRODUCT = "cupid-tools"
CONDA = Path("/opt")


class Package(NamedTuple):
    """What a package manager has installed."""

    kind: str
    """Of package URLs: deb, pypi, conda."""
    group: str | None
    name: str
    version: str
    qualifiers: dict[str, str] | None = None

    def component(self) -> Component:
        """Its line in the bill."""
        url = PackageURL(self.kind, self.group, self.name, self.version, self.qualifiers)
        kind = ComponentType.APPLICATION if self.name == PRODUCT else ComponentType.LIBRARY
        return Component(name=self.name, version=self.version, type=kind, purl=url, bom_ref=url.to_string())


def of_debian() -> list[Package]:
    """What dpkg has installed."""
    form = "${db:Status-Status}\t${Package}\t${Version}\t${Architecture}\n"
    listed = subprocess.check_output(["dpkg-query", "--show", f"--showformat={form}"], text=True)
    rows = [line.split("\t") for line in listed.splitlines()]
    return [Package("deb", "debian", *row[1:3], {"arch": row[3]}) for row in rows if row[0] == "installed"]


def of_python(environment: Path) -> list[Package]:
    """What is installed in a virtual environment."""
    folders = [str(folder) for folder in environment.glob("lib/python3*/site-packages")]
    found = distributions(path=folders)
    return [Package("pypi", None, re.sub("[-_.]+", "-", one.name).lower(), one.version) for one in found]


def of_conda(root: Path) -> list[Package]:
    """What is installed in the Conda environments in *root*."""
    found = [json.loads(path.read_text(encoding="utf-8")) for path in root.glob("*/conda-meta/*.json")]
    return [Package("conda", None, one["name"], one["version"], {"build": one["build"]}) for one in found]


def bill(packages: list[Package]) -> str:
    """The bill of materials as JSON: the product in its metadata, all others as components."""
    (product,) = (package for package in packages if package.name == PRODUCT)
    whole, parts = product.component(), [package.component() for package in packages if package != product]
    bom = Bom(components=parts, metadata=BomMetaData(component=whole))
    bom.register_dependency(whole, parts)
    written = json.loads(JsonV1Dot6(bom).output_as_string())
    del written["serialNumber"], written["metadata"]["timestamp"]
    return json.dumps(written, indent=1, sort_keys=True)


def main(environment: str, output: str) -> None:
    """Write the bill of this machine, which is the image that is built."""
    packages = of_debian() + of_python(Path(environment)) + of_conda(CONDA)
    Path(output).write_text(bill(packages) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
