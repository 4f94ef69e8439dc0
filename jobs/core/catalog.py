"""The flows that a process knows, each with the executors of its steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from jobs.core.flow import Flow
from jobs.core.ports import Executor
from jobs.errors import FlowInvalid, FlowUnknown


@dataclass(slots=True)
class FlowCatalog:
    """Flows by name. Filled while a process starts, read ever after."""

    _flows: dict[str, Flow] = field(default_factory=dict)
    _executors: dict[str, Mapping[str, Executor]] = field(default_factory=dict)

    def register(self, flow: Flow, executors: Mapping[str, Executor]) -> None:
        """Add a flow; raise `FlowInvalid` unless every step has its executor and the name is free.

        Registering the very same flow again is harmless.
        """
        if self._flows.get(flow.name, flow) is not flow:
            raise FlowInvalid(flow.name, "another flow has this name")
        steps = {step.name for step in flow.steps}
        if steps != set(executors):
            raise FlowInvalid(flow.name, f"steps and executors differ: {sorted(steps ^ set(executors))}")
        self._flows[flow.name] = flow
        self._executors[flow.name] = dict(executors)

    def flow(self, name: str) -> Flow:
        """Return a flow; raise `FlowUnknown`."""
        if name not in self._flows:
            raise FlowUnknown(name)
        return self._flows[name]

    def executor(self, flow: Flow, step: str) -> Executor:
        """Return the executor of a step of a registered flow."""
        return self._executors[flow.name][step]

    def names(self) -> list[str]:
        """Names of all flows, sorted."""
        return sorted(self._flows)
