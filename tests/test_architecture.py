"""Rules of the house that no linter knows: sizes, names, where imports stand, what a call must say."""

from __future__ import annotations

import ast
import statistics
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PRODUCT = ("astra_site", "tenants", "jobs", "assets", "custody", "sessions_app", "astra_verify", "demo")
SPEECH_LIBRARIES = {"faster_whisper", "ctranslate2", "av", "nemo", "torch"}
# A heavy speech library may be loaded when the first recording comes, and with it the errors that it raises.
LAZY_IMPORTS_IN = "jobs/transcription/"
LAZY_IMPORTS = SPEECH_LIBRARIES | {"httpx"}
# Where code of the apps above is called that must not take the worker or the sweeper with it.
CATCH_ALL_ALLOWED = {"jobs/core/orchestrator.py", "jobs/runtime/sweeper.py"}
MANAGERS_ALLOWED = {"astra_site/lib/tenancy.py"}
HTTP_CALLS = {"get", "post", "put", "patch", "delete", "head", "request", "stream"}


@dataclass(frozen=True)
class Source:
    """One parsed file of the product."""

    name: str
    lines: int
    tree: ast.Module


def _read() -> Iterator[Source]:
    for package in PRODUCT:
        for path in sorted((ROOT / package).rglob("*.py")):
            if not {"migrations", "generated"} & set(path.parts):
                text = path.read_text()
                yield Source(path.relative_to(ROOT).as_posix(), text.count("\n"), ast.parse(text))


SOURCES = list(_read())


def walk(kind: type[ast.AST] | tuple[type[ast.AST], ...]) -> Iterator[tuple[Source, ast.AST]]:
    """Every node of a kind in the product."""
    for source in SOURCES:
        for node in ast.walk(source.tree):
            if isinstance(node, kind):
                yield source, node


def place(source: Source, node: ast.AST) -> str:
    return f"{source.name}:{getattr(node, 'lineno', 0)}"


def percentile_95(sizes: list[int]) -> int:
    return sorted(sizes)[int(len(sizes) * 0.95)]


def body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of a function from its `def`, without decorators."""
    return (function.end_lineno or function.lineno) - function.lineno + 1


def test_files_are_short() -> None:
    sizes = [source.lines for source in SOURCES if source.lines > 3]
    assert statistics.median(sizes) <= 120
    assert percentile_95(sizes) <= 350


def test_functions_are_short() -> None:
    sizes = [body_lines(node) for _, node in walk((ast.FunctionDef, ast.AsyncFunctionDef))]  # type: ignore[arg-type]
    assert percentile_95(sizes) <= 40


def test_no_file_is_a_drawer() -> None:
    drawers = [s.name for s in SOURCES if Path(s.name).stem in {"utils", "helpers", "misc", "common"}]
    assert drawers == []


def test_classes_are_named_for_what_they_are() -> None:
    vague = [
        place(source, node)
        for source, node in walk(ast.ClassDef)
        if getattr(node, "name", "").endswith(("Manager", "Handler")) and source.name not in MANAGERS_ALLOWED
    ]
    assert vague == []


def test_imports_stand_at_the_top() -> None:
    hidden = []
    for source, function in walk((ast.FunctionDef, ast.AsyncFunctionDef)):
        for node in ast.walk(function):
            if isinstance(node, ast.Import | ast.ImportFrom):
                modules = {(node.module or "")} if isinstance(node, ast.ImportFrom) else {a.name for a in node.names}
                lazy = {module.split(".")[0] for module in modules} <= LAZY_IMPORTS
                if not (lazy and source.name.startswith(LAZY_IMPORTS_IN)):
                    hidden.append(place(source, node))
    assert hidden == []


def test_no_statement_passes_by_the_tenant_scope() -> None:
    """Whoever talks to the driver himself does not tell the server the scope (docs/adr/0015)."""
    own = ("astra_site/lib/scoped_postgresql/", "astra_site/lib/prepared_sql.py", "astra_site/embedded/")
    found = [
        place(source, node)
        for source, node in walk((ast.Import, ast.ImportFrom))
        for name in _modules(node)
        if name.split(".")[0] in {"psycopg", "psycopg_pool"}
        and name != "psycopg.conninfo"
        and not source.name.startswith(own)
    ]
    assert found == []


def _modules(node: ast.AST) -> list[str]:
    if isinstance(node, ast.ImportFrom):
        return [node.module or ""]
    return [alias.name for alias in node.names] if isinstance(node, ast.Import) else []


def test_speech_libraries_stay_in_their_package() -> None:
    outside = []
    for source, node in walk((ast.Import, ast.ImportFrom)):
        names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        used = {name.split(".")[0] for name in names} & SPEECH_LIBRARIES
        if used and not source.name.startswith(LAZY_IMPORTS_IN) and not source.name.startswith("demo/"):
            outside.append(place(source, node))
    assert outside == []


def _catches_everything(node: ast.ExceptHandler) -> bool:
    caught = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
    names = {kind.id for kind in caught if isinstance(kind, ast.Name)}
    raises_again = any(isinstance(inner, ast.Raise) and inner.exc is None for inner in ast.walk(node))
    return (node.type is None or bool(names & {"Exception", "BaseException"})) and not raises_again


def test_nothing_catches_everything() -> None:
    found = [
        place(source, node)
        for source, node in walk(ast.ExceptHandler)
        if isinstance(node, ast.ExceptHandler) and _catches_everything(node) and source.name not in CATCH_ALL_ALLOWED
    ]
    assert found == []


def test_what_follows_a_commit_can_not_undo_it() -> None:
    direct = [
        place(source, node)
        for source, node in walk(ast.Attribute)
        if getattr(node, "attr", "") == "on_commit" and source.name != "astra_site/lib/after_commit.py"
    ]
    assert direct == []


def test_no_cancellation_is_lost_in_a_wait() -> None:
    """`asyncio.wait_for` loses one that comes together with the event (Python 3.11); `asyncio.timeout` does not."""
    found = [
        place(source, node)
        for source, node in walk(ast.Attribute)
        if getattr(node, "attr", "") == "wait_for" and ast.unparse(node) == "asyncio.wait_for"
    ]
    assert found == []


def _is_actor(decorator: ast.expr) -> bool:
    target = decorator.func if isinstance(decorator, ast.Call) else decorator
    return (isinstance(target, ast.Attribute) and target.attr == "actor") or (
        isinstance(target, ast.Name) and target.id == "actor"
    )


def test_every_actor_names_its_queue_its_time_and_its_retries() -> None:
    actors = 0
    for source, node in walk((ast.FunctionDef, ast.AsyncFunctionDef)):
        assert isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for decorator in filter(_is_actor, node.decorator_list):
            actors += 1
            given = {word.arg for word in decorator.keywords} if isinstance(decorator, ast.Call) else set()
            assert {"queue_name", "time_limit", "max_retries"} <= given, place(source, node)
    assert actors


@pytest.mark.parametrize("library", ["httpx", "requests"])
def test_every_call_to_another_service_has_a_timeout(library: str) -> None:
    for source, node in walk(ast.Call):
        assert isinstance(node, ast.Call)
        called = node.func
        direct = isinstance(called, ast.Attribute) and isinstance(called.value, ast.Name) and called.value.id == library
        if direct and isinstance(called, ast.Attribute) and called.attr in HTTP_CALLS | {"Client", "AsyncClient"}:
            assert "timeout" in {word.arg for word in node.keywords}, place(source, node)
        opens = isinstance(called, ast.Name) and called.id == "urlopen"
        assert not opens or "timeout" in {word.arg for word in node.keywords}, place(source, node)


def test_no_path_of_a_machine_is_written_down() -> None:
    own = {"/home/", "/root/", "/Users/", "/work/"}
    found = [
        place(source, node)
        for source, node in walk(ast.Constant)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and any(node.value.startswith(p) for p in own)
    ]
    assert found == []
