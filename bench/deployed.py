"""The app as it is deployed: its package, and the Python that runs it there.

A development environment holds packages that the deployed one doesn't, and some of these are
imported wherever they are found; so what has to do with starting is measured on the package.
"""

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from tools import package

_ROOT = Path(__file__).parents[1]
_BUILT = _ROOT / ".sandbox" / "bench"


@dataclass(frozen=True, slots=True)
class Deployed:
    """`python` is an interpreter of Azure's version where one is found, else the running one's;
    `folder` is the package, `libraries` what lies in it for that Python, all with byte code."""

    python: str
    version: str
    folder: Path
    libraries: Path


def deployed() -> Deployed:
    """Builds the package afresh; its libraries are downloaded once. Raises PackagingError."""
    runtime = package.azures()
    if runtime.interpreter is None:
        runtime = package.Runtime("{}.{}".format(*sys.version_info), sys.executable)
    folder = _BUILT / "package"
    package.build(folder, _ROOT / ".sandbox" / "wheels", runtime)
    assert runtime.interpreter
    # outside of any virtual environment: nothing but the package's libraries is found
    python = os.path.realpath(runtime.interpreter)
    return Deployed(python, runtime.version, folder, folder / package.LIBRARIES)
