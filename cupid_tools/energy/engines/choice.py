"""From the name of an engine to the engine."""

from __future__ import annotations

import logging

from cupid_tools.energy.engines import ENGINES
from cupid_tools.energy.engines.base import Engine, UnusableError
from cupid_tools.energy.engines.settings import AUTO, EngineSettings
from cupid_tools.errors import MissingError, UsageError

log = logging.getLogger("cupid_tools")


def choose_engine(name: str, settings: EngineSettings) -> Engine:
    """The engine *name*, or for ``AUTO`` the first that is there, which is told.

    Raises:
        MissingError: its program or package is not there.
        UsageError: settings of one engine, but ``AUTO``.
    """
    if name != AUTO:
        engine: Engine = ENGINES.load(name)(settings)
        return engine
    if settings.preset or settings.args:
        raise UsageError(f"--preset and --engine-args belong to one engine (give --engine, not {AUTO})")
    for known in ENGINES:
        try:
            engine = ENGINES.load(known)(settings)
        except UnusableError as error:
            log.warning("%s is passed over: %s", known, error)
        except MissingError as error:
            log.debug("%s: %s", known, error)
        else:
            log.info("engine: %s (%s)", known, engine.version)
            return engine
    raise MissingError("there is no engine")
