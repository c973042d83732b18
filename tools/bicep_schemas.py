"""Records the Azure types that infra/ uses, so that its checks need no network.

`python -m tools.bicep_schemas AZMCP` asks Microsoft's own type index, which lies inside the npm
package @azure/mcp-linux-x64 (`npm install --prefix /tmp/azmcp @azure/mcp-linux-x64@2.0.5`, then
AZMCP is /tmp/azmcp/node_modules/@azure/mcp-linux-x64/dist/azmcp). It knows one version of each
type, the newest; infra/ uses exactly those. Types that it lacks stand in schemas/by-hand.json.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
SCHEMAS = ROOT / "tests" / "infra" / "schemas"
_RECORDED = "recorded.json"
_USED = re.compile(r"^resource \w+ '([\w./]+)@", re.MULTILINE)
_WORD = re.compile(r"[\w.-]+")

Types = dict[str, dict[str, tuple[str, str]]]


def main(azmcp: str) -> None:
    by_hand = {
        one["resource"].partition("@")[0]
        for one in json.loads((SCHEMAS / "by-hand.json").read_text("utf-8"))
    }
    texts = (path.read_text("utf-8") for path in (ROOT / "infra").rglob("*.bicep"))
    used = {name for text in texts for name in _USED.findall(text)} - by_hand
    source = f"npm @azure/mcp-linux-x64 {_version(azmcp)}, bicepschema get"
    found = [_condensed(_asked(azmcp, name), source) for name in sorted(used)]
    lines = ",\n".join(json.dumps(one) for one in found)
    (SCHEMAS / _RECORDED).write_text(f"[\n{lines}\n]\n", "utf-8")


def _version(azmcp: str) -> str:
    package = Path(azmcp).parents[1] / "package.json"
    return str(json.loads(package.read_text("utf-8"))["version"])


def _asked(azmcp: str, resource: str) -> list[dict[str, Any]]:
    command = [azmcp, "bicepschema", "get", "--resource-type", resource]
    environment = {**os.environ, "DOTNET_SYSTEM_GLOBALIZATION_INVARIANT": "1"}  # noqa: TID251
    ended = subprocess.run(command, capture_output=True, env=environment, check=True)  # noqa: S603
    answer: list[dict[str, Any]] = json.loads(ended.stdout)["results"]["BicepSchemaResult"]
    return answer


def _condensed(answer: list[dict[str, Any]], source: str) -> dict[str, Any]:
    resource = next(one for one in answer if one["$type"] == "Resource")
    objects = {one["name"]: one for one in answer if "properties" in one or "elements" in one}
    types: Types = {}
    for name, body in _bodies(resource):
        types[name] = _properties(body)
    waiting = [kind for known in types.values() for kind, _ in known.values()]
    while waiting:
        for name in _WORD.findall(waiting.pop()):
            if name in objects and name not in types:
                types[name] = _properties(objects[name])
                waiting += _settable(types[name])
    return {"resource": resource["name"], "source": source, "types": types}


def _settable(known: dict[str, tuple[str, str]]) -> list[str]:
    """Below a resource's own properties nobody reads what can't be set."""
    return [kind for kind, flags in known.values() if "ReadOnly" not in flags]


def _bodies(resource: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """The resource's object; of one that is several, each with its name behind a `#`."""
    body, name = resource["bodyType"], resource["name"]
    if body["$type"] == "Object":
        return [(name, body)]
    return [
        (f"{name}#{one['name'] if 'elements' in one else _literal(one)}", one)
        for one in body["elements"]
    ]


def _literal(body: dict[str, Any]) -> str:
    return str(next(one["type"] for one in body["properties"] if one["name"] == "name"))


def _properties(body: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """Of an object that is several, the properties of all; none is then asked for."""
    if "elements" in body:
        parts = [body.get("baseProperties", []), *(one["properties"] for one in body["elements"])]
        return {one["name"]: (one["type"], "") for part in parts for one in part}
    found = {one["name"]: (one["type"], one.get("flags", "")) for one in body["properties"]}
    if "additionalPropertiesType" in body:
        found["*"] = (body["additionalPropertiesType"], "")
    return found


if __name__ == "__main__":
    main(*sys.argv[1:])
