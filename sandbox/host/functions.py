"""Imports an app's function_app.py and lists its functions, with the checks of the real worker."""

import importlib.util
import inspect
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import azure.functions as func

_TRIGGERS = frozenset({"httpTrigger", "queueTrigger", "timerTrigger"})
_OUTPUTS = frozenset({"http", "queue"})


class LoadError(Exception):
    """The app can't be run as it is written; the message says why."""


@dataclass(frozen=True, slots=True)
class Binding:
    """`fields` is the binding as function.json would have it, e.g. `queueName`, `schedule`."""

    type: str
    name: str
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Function:
    name: str
    call: Callable[..., Any]
    trigger: Binding
    outputs: tuple[Binding, ...]
    is_async: bool
    wants_context: bool


def load(folder: Path) -> tuple[Function, ...]:
    """The functions of `folder`/function_app.py, in the order of their registration.

    Raises LoadError; where importing the app failed, that fault is its cause.
    """
    module = _import(folder / "function_app.py")
    apps = [value for value in vars(module).values() if isinstance(value, func.FunctionRegister)]
    if len(apps) != 1:
        raise LoadError(f"function_app.py must define exactly one function app, not {len(apps)}")
    try:
        registered = apps[0].get_functions()
    except ValueError as fault:
        raise LoadError(str(fault)) from None
    if not registered:
        raise LoadError("function_app.py registers no function")
    return tuple(_function(one) for one in registered)


def enabled(functions: Sequence[Function], environ: Mapping[str, str]) -> tuple[Function, ...]:
    """Those that no application setting `AzureWebJobs.<name>.Disabled` switches off.

    https://learn.microsoft.com/azure/azure-functions/disable-function
    """
    return tuple(
        one
        for one in functions
        if environ.get(f"AzureWebJobs.{one.name}.Disabled", "").lower() not in ("true", "1")
    )


def _import(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("function_app", path)
    if spec is None or spec.loader is None or not path.exists():
        raise LoadError(f"{path} is missing")
    sys.path.insert(0, str(path.parent))
    module = importlib.util.module_from_spec(spec)
    sys.modules["function_app"] = module
    try:
        spec.loader.exec_module(module)
    except Exception as fault:
        raise LoadError("function_app.py can't be imported") from fault
    return module


def _function(registered: Any) -> Function:
    name = registered.get_function_name()
    trigger: Binding | None = None
    outputs: list[Binding] = []
    for text in registered.get_raw_bindings():
        fields = json.loads(text)
        binding = Binding(fields["type"], fields["name"], fields)
        if binding.type in _TRIGGERS:
            trigger = binding
        elif binding.type in _OUTPUTS:
            outputs.append(binding)
        else:
            raise LoadError(f"function {name}: this host knows no {binding.type} binding")
    if trigger is None:
        raise LoadError(f"function {name} has no trigger")
    call = registered.get_user_function()
    parameters = set(inspect.signature(call).parameters)
    bound = {trigger.name, *(o.name for o in outputs if o.name != "$return")}
    if parameters - {"context"} != bound - {"context"}:
        raise LoadError(
            f"function {name}: its parameters are {sorted(parameters)}, "
            f"its bindings need {sorted(bound)}"
        )
    return Function(
        name,
        call,
        trigger,
        tuple(outputs),
        inspect.iscoroutinefunction(call),
        "context" in parameters - bound,
    )
