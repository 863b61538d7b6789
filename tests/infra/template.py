"""The synthesized template for tests: made once per set of inputs, read without the CDK, its intrinsics written out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from postern.workflow import Packing
from postern_local import synthesis

STACK = "Postern"
CONTEXT = {
    "hostname": "mx.example.com",
    "postmaster_email": "postmaster@example.com",
    "security_email": "security@example.com",
    "vendored_layers": "false",
}
PRODUCTION = {"production": "true", "hostname": "mx.castle-gate.org", "submission": "true", "desired_tasks": "3"}

Resource = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Template:
    """A template. In its properties every `Ref` and `GetAtt` is text: `${Id}`, `${Id.Attribute}`."""

    assembly: Path
    content: Mapping[str, Any]

    @property
    def path(self) -> Path:
        """The template's file."""
        return self.assembly / f"{STACK}.template.json"

    def all(self, kind: str) -> dict[str, Resource]:
        """The properties of every resource of a type, by logical id."""
        found = {name: one for name, one in self.content["Resources"].items() if one["Type"] == kind}
        return {name: written_out(one.get("Properties", {})) for name, one in found.items()}

    def only(self, kind: str) -> Resource:
        """The properties of the one resource of a type."""
        (found,) = self.all(kind).values()
        return found

    def named(self, kind: str, part: str) -> Resource:
        """The properties of the one resource of a type whose logical id holds `part`."""
        (found,) = (one for name, one in self.all(kind).items() if part in name)
        return found

    def whole(self, logical_id: str) -> Resource:
        """A resource with its policies and type."""
        found: Resource = self.content["Resources"][logical_id]
        return found

    def outputs(self) -> dict[str, str]:
        """The outputs, written out."""
        return {name: written_out(one["Value"]) for name, one in self.content["Outputs"].items()}

    def statements(self, role: str) -> list[Resource]:
        """What a role may do: the statements of its policies."""
        policies = [one for one in self.all("AWS::IAM::Policy").values() if f"${{{role}}}" in one["Roles"]]
        return [statement for one in policies for statement in one["PolicyDocument"]["Statement"]]


@cache
def synthesized(packing: Packing = Packing.CHECK, *, production: bool = False) -> Template:
    """The template; several test processes share what one of them has made."""
    context = {**CONTEXT, "packing": packing.value, **(PRODUCTION if production else {})}
    folder = synthesis.ASSEMBLIES / f"{packing.value}-{'production' if production else 'trial'}"
    assembly = synthesis.synthesize(folder, context)
    content = json.loads((assembly / f"{STACK}.template.json").read_text(encoding="utf-8"))
    return Template(assembly, content)


def written_out(value: Any) -> Any:
    """A value with its intrinsic functions as text."""
    if isinstance(value, list):
        return [written_out(item) for item in value]
    if not isinstance(value, dict):
        return value
    match value:
        case {"Ref": name}:
            return f"${{{name}}}"
        case {"Fn::GetAtt": [name, attribute]}:
            return f"${{{name}.{attribute}}}"
        case {"Fn::Join": [separator, parts]}:
            return separator.join(str(written_out(part)) for part in parts)
        case {"Fn::Sub": str(text)}:
            return text
    return {name: written_out(item) for name, item in value.items()}
