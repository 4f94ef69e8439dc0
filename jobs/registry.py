"""Which flows this process knows, and what the sweeper looks after besides jobs. Filled in `AppConfig.ready`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from jobs.core.catalog import FlowCatalog
from jobs.core.flow import Flow
from jobs.core.ports import Executor

_catalog = FlowCatalog()
Sweep = Callable[[], Iterable[Callable[[], object]] | None]
"""One look at what may be stuck. What it returns is called one by one: one stuck thing can't hide the others."""

_sweeps: dict[str, Sweep] = {}


def register(flow: Flow, executors: Mapping[str, Executor]) -> None:
    """Make a flow known with one executor per step; raise `FlowInvalid` when they don't fit."""
    _catalog.register(flow, executors)


def register_sweep(name: str, sweep: Sweep) -> None:
    """Let the sweeper call `sweep` in every round, with a scope on all tenants. It must be quick and idempotent."""
    _sweeps[name] = sweep


def unregister_sweep(name: str) -> None:
    """Undo `register_sweep`."""
    _sweeps.pop(name, None)


def flow_catalog() -> FlowCatalog:
    """Return the catalog of this process."""
    return _catalog


def sweeps() -> Mapping[str, Sweep]:
    """Return what the sweeper looks after besides jobs, by name."""
    return _sweeps
