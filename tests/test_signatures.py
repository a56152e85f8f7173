"""The methods' signatures: what help() shows, the stub file, the binding table in C and the documented contract are one."""

from __future__ import annotations

import ast
import inspect
import re
from typing import Any

import pytest

from genesis_ch import _core, ch_logger
from server_fixtures import ROOT

# The contract: positional arguments with their defaults, then the keyword-only ones.
CONTRACT = {
    "log_llm_interaction": (
        "model, messages, response, cost=0.0, execution_time=0.0, metadata=None, thought=''",
        (
            "timestamp=None, run_id='', generation=None, individual_id='', trace_id='', provider='', input_tokens=None, "
            "output_tokens=None, usage=None, error=''"
        ),
    ),
    "log_action": ("action_type, details, metadata=None", "timestamp=None, run_id='', generation=None"),
    "log_evolution_run": (
        "run_id, task_name, config, population_size, cluster_type, database_path, status='running'",
        "timestamp=None, project_id='', parent_run_id='', git_sha='', git_dirty=False, error='', tags=None",
    ),
    "update_evolution_run": ("run_id, status, total_generations", "timestamp=None, error=''"),
    "log_generation": (
        "run_id, generation, num_individuals, best_score, avg_score, pareto_size, total_cost=0.0, metadata=None",
        "timestamp=None, task_name=''",
    ),
    "log_individual": (
        (
            "run_id, individual_id, generation, parent_id, mutation_type, fitness_score, combined_score, metrics, is_pareto, "
            "api_cost=0.0, embed_cost=0.0, novelty_cost=0.0, code_hash='', code_size=0"
        ),
        "timestamp=None, code=None",
    ),
    "log_pareto_front": ("run_id, generation, pareto_individuals", "timestamp=None"),
    "log_lineage": (
        "run_id, child_id, parent_id, generation, mutation_type, fitness_delta=0.0, edit_summary=''",
        "timestamp=None",
    ),
    "log_trace": (
        "name=None",
        "id=None, timestamp=None, user_id=None, session_id=None, input=None, output=None, metadata=None, tags=None, release=None, version=None, public=None, bookmarked=None, environment=None, project_id=None, run_id=None, generation=None, individual_id=None",
    ),
    "log_observation": (
        "name=None, type=None",
        "id=None, trace_id=None, parent_observation_id=None, start_time=None, end_time=None, input=None, output=None, metadata=None, level=None, status_message=None, version=None, model=None, internal_model_id=None, model_parameters=None, usage=None, cost=None, completion_start_time=None, prompt_id=None, prompt_name=None, prompt_version=None, tool_definitions=None, tool_calls=None, tool_call_names=None, environment=None, project_id=None, run_id=None, generation=None, individual_id=None, usage_pricing_tier_id=None, usage_pricing_tier_name=None",
    ),
    "log_score": (
        "name=None, value=None",
        "trace_id=None, observation_id=None, id=None, timestamp=None, data_type=None, string_value=None, source=None, comment=None, session_id=None, dataset_run_id=None, author_user_id=None, config_id=None, queue_id=None, environment=None, project_id=None, run_id=None, generation=None, individual_id=None",
    ),
    "log_dataset_run_item": (
        "dataset_id=None, dataset_run_id=None, dataset_item_id=None, trace_id=None",
        "observation_id=None, id=None, timestamp=None, error=None, dataset_run_name=None, dataset_run_description=None, dataset_run_metadata=None, dataset_run_created_at=None, dataset_item_input=None, dataset_item_expected_output=None, dataset_item_metadata=None, project_id=None",
    ),
    "log_event": (
        "entity_type=None, entity_id=None, event_id=None, bucket_name=None, bucket_path=None",
        "id=None, timestamp=None, project_id=None",
    ),
    "log_blob": (
        "entity_type=None, entity_id=None, event_id=None, bucket_name=None, bucket_path=None",
        "id=None, timestamp=None, project_id=None",
    ),
    "delete_trace": (
        "id",
        "project_id=None",
    ),
    "delete_observation": (
        "id",
        "project_id=None",
    ),
    "delete_score": (
        "id",
        "project_id=None",
    ),
    "delete_dataset_run_item": (
        "id",
        "project_id=None",
    ),
    "delete_blob": (
        "id",
        "project_id=None",
    ),
}
# Arguments that fill columns of other names.
ALIASES = {"log_observation": ("model", "usage", "cost"), "log_individual": ("code",)}
METHODS = re.compile(r"\b(?:METHOD|KEPT)\(\"(\w+)\", \w+, (\d+), (\w+)\)|\bDELETE\(\"(\w+)\", \w+\)")
C_ARGUMENT = re.compile(r"\b([RDNA])\((\w+)")


def contract(method: str) -> str:
    positional, keyword_only = CONTRACT[method]
    return f"({positional}, *, {keyword_only})"


def without_annotations(signature: inspect.Signature) -> str:
    bare = [one.replace(annotation=inspect.Parameter.empty) for one in signature.parameters.values()]
    return str(inspect.Signature(bare))


def stub_methods() -> dict[str, ast.FunctionDef]:
    tree = ast.parse((ROOT / "genesis_ch" / "_core.pyi").read_text())
    (logger,) = (node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "Logger")
    return {node.name: node for node in logger.body if isinstance(node, ast.FunctionDef)}


def c_methods() -> dict[str, tuple[int, list[tuple[str, bool]]]]:
    """Of csrc/py_method.c: how many arguments are positional, and each argument's name and whether it is required."""
    text = (ROOT / "csrc" / "py_method.c").read_text()
    arrays = dict(re.findall(r"static const struct gch_argument (\w+)\[\] = \{(.*?)\};", text, re.DOTALL))
    found = {}
    for name, positional, array, deletion in METHODS.findall(text):
        name, positional, array = (deletion, 1, "deletion") if deletion else (name, positional, array)
        found[name] = (int(positional), [(argument, kind == "R") for kind, argument in C_ARGUMENT.findall(arrays[array])])
    return found


def test_the_methods_are_these() -> None:
    logging_methods = {name for name in dir(ch_logger) if name.startswith(("log_", "update_", "delete_"))}
    assert logging_methods == CONTRACT.keys() == c_methods().keys()


@pytest.mark.parametrize("method", CONTRACT)
def test_inspect_shows_the_contract(method: str) -> None:
    assert str(inspect.signature(getattr(ch_logger, method))) == contract(method)
    assert str(inspect.signature(getattr(_core.Logger, method))).replace("(self, /, ", "(") == contract(method)
    assert inspect.getdoc(getattr(ch_logger, method)), method


@pytest.mark.parametrize("method", CONTRACT)
def test_the_stub_shows_the_contract(method: str) -> None:
    node = stub_methods()[method]
    node.args.args = node.args.args[1:]
    for argument in [*node.args.args, *node.args.kwonlyargs]:
        assert argument.annotation is not None, argument.arg
        argument.annotation = None
    assert f"({ast.unparse(node.args)})".replace(" = ", "=") == contract(method)


@pytest.mark.parametrize("method", CONTRACT)
def test_the_binding_has_the_contract(method: str) -> None:
    positional, arguments = c_methods()[method]
    parameters = inspect.Signature.from_callable(eval(f"lambda {contract(method)[1:-1]}: 0")).parameters
    kinds = [one.kind for one in parameters.values()]
    assert positional == kinds.count(inspect.Parameter.POSITIONAL_OR_KEYWORD)
    assert arguments == [(name, one.default is inspect.Parameter.empty) for name, one in parameters.items()]


def test_every_keyword_is_a_column() -> None:
    """A new keyword is a column of the method's table, or the time."""
    text = (ROOT / "csrc" / "py_method.c").read_text()
    tables = dict(re.findall(r"(?:METHOD|KEPT|DELETE)\(\"(\w+)\", (\w+)", text))
    for method, (_, arguments) in c_methods().items():
        columns = {name for name, _ in _core.TABLES[tables[method]]}
        assert {name for name, _ in arguments} - columns - {"timestamp", "pareto_individuals", *ALIASES.get(method, ())} == set(), method


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("flush", "(timeout=30.0)"),
        ("close", "(timeout=None)"),
        ("configure", "(**options)"),
        ("connect", "(timeout=30.0)"),
        ("stats", "()"),
        ("get_run_id_by_path", "(database_path)"),
    ],
)
def test_the_other_methods(name: str, shown: str) -> None:
    method: Any = getattr(ch_logger, name)
    assert without_annotations(inspect.signature(method)) == shown
    assert inspect.getdoc(method)
