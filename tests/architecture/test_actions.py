"""Every action says who may, what it records, and takes its arguments by name."""

import importlib
import inspect
import pkgutil
from types import FunctionType, ModuleType

import pytest

import diagnosis.actions
import portal.actions
import records.actions

PACKAGES = (portal.actions, records.actions, diagnosis.actions)


def modules() -> list[ModuleType]:
    return [
        importlib.import_module(f"{package.__name__}.{found.name}")
        for package in PACKAGES
        for found in pkgutil.iter_modules(package.__path__)
    ]


def actions() -> dict[str, FunctionType]:
    """Every public function that a module of actions defines."""
    return {
        f"{module.__name__}.{name}": function
        for module in modules()
        for name, function in vars(module).items()
        if inspect.isfunction(function)
        and not name.startswith("_")
        and function.__module__ == module.__name__
    }


ACTIONS = actions()


@pytest.fixture(params=list(ACTIONS.values()), ids=list(ACTIONS))
def action(request: pytest.FixtureRequest) -> FunctionType:
    found: FunctionType = request.param
    return found


def test_there_are_actions_in_every_app():
    assert {name.split(".")[0] for name in ACTIONS} == {
        "portal",
        "records",
        "diagnosis",
    }


def test_an_action_takes_its_arguments_by_name(action: FunctionType):
    kinds = {p.kind for p in inspect.signature(action).parameters.values()}
    assert kinds <= {inspect.Parameter.KEYWORD_ONLY}


def test_an_action_is_typed(action: FunctionType):
    signature = inspect.signature(action)
    annotations = [p.annotation for p in signature.parameters.values()]
    assert inspect.Signature.empty not in [*annotations, signature.return_annotation]


def test_an_action_says_who_may_and_what_it_records(action: FunctionType):
    words = inspect.getdoc(action) or ""
    assert "Who may: " in words
    assert "Records: " in words
