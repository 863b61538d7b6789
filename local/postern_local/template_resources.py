"""CloudFormation resources that moto cannot create, or creates at a cost: made here as what the local service needs.

Which types, and why, is listed in `stand_ins.py`.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

import boto3
from moto.cloudformation import parsing
from moto.core.common_models import CloudFormationModel
from moto.dynamodb.models import dynamodb_backends
from moto.stepfunctions.parser.models import stepfunctions_parser_backends

from postern_local.account import ACCOUNT, REGION
from postern_local.function_urls import FunctionUrls

ARN_PARTS = ("local", "local", "local")

_GENERATED_OCTETS = 48

Properties = Mapping[str, Any]

function_urls = FunctionUrls()
"""The addresses of functions in this process."""

created: dict[str, list[tuple[str, Properties]]] = {}
"""What was made by type: logical id and resolved properties. Schedules and the front end are started from it."""


class Remembered(CloudFormationModel):
    """A resource that exists only as its name and its properties."""

    def __init__(self, name: str, resource_type: str, properties: Properties) -> None:
        self.type = resource_type
        self.name = name
        self.properties = properties

    @property
    def physical_resource_id(self) -> str:
        """An ARN with as many parts as any real one: templates take them apart."""
        return f"arn:aws:local:{REGION}:{ACCOUNT}:{self.name}/{'/'.join(ARN_PARTS)}"

    @staticmethod
    def cloudformation_name_type() -> str:
        """It is named by its logical id."""
        return ""

    @staticmethod
    def cloudformation_type() -> str:
        """It has no type of its own."""
        return ""

    def is_created(self) -> bool:
        """At once."""
        return True

    @classmethod
    def has_cfn_attr(cls, attr: str) -> bool:
        """Any attribute can be asked for."""
        return True

    def get_cfn_attribute(self, attribute_name: str) -> str:
        """An attribute that names the resource and itself."""
        return f"{self.physical_resource_id}/{attribute_name}"

    @classmethod
    def create_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: Properties, account_id: str, region_name: str, **kwargs: Any
    ) -> Remembered:
        """Remember it."""
        del account_id, region_name
        kind, properties = cloudformation_json["Type"], cloudformation_json.get("Properties", {})
        created.setdefault(kind, []).append((str(kwargs.get("LogicalId", resource_name)), properties))
        return cls(resource_name, kind, properties)

    @classmethod
    def update_from_cloudformation_json(
        cls,
        original_resource: Any,
        new_resource_name: str,
        cloudformation_json: Properties,
        account_id: str,
        region_name: str,
    ) -> Any:
        """As it was: the stack is made anew at every start."""
        del new_resource_name, cloudformation_json, account_id, region_name
        return original_resource

    @classmethod
    def delete_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: Properties, account_id: str, region_name: str
    ) -> None:
        """Nothing to remove."""


class EmbeddedSecret(Remembered):
    """A secret, in moto's Secrets Manager."""

    arn = ""

    @property
    def physical_resource_id(self) -> str:
        """The secret's ARN."""
        return self.arn

    @classmethod
    def create_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: Properties, account_id: str, region_name: str, **kwargs: Any
    ) -> EmbeddedSecret:
        """Create it with the text that the template gives, or one made up when it is to be generated."""
        del account_id, kwargs
        properties = cloudformation_json.get("Properties", {})
        secret = cls(resource_name, cloudformation_json["Type"], properties)
        client = boto3.client("secretsmanager", region_name=region_name)
        text = properties.get("SecretString") or secrets.token_urlsafe(_GENERATED_OCTETS)
        secret.arn = client.create_secret(Name=resource_name, SecretString=text)["ARN"]
        return secret


class EmbeddedFunctionUrl(Remembered):
    """A function's address for anybody, on loopback."""

    url = ""

    def get_cfn_attribute(self, attribute_name: str) -> str:
        """The address, or what any resource says."""
        return self.url if attribute_name == "FunctionUrl" else super().get_cfn_attribute(attribute_name)

    @classmethod
    def create_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: Properties, account_id: str, region_name: str, **kwargs: Any
    ) -> EmbeddedFunctionUrl:
        """Give it an address; requests are heard once the functions can be invoked."""
        del account_id, region_name
        properties = cloudformation_json.get("Properties", {})
        made = cls(resource_name, cloudformation_json["Type"], properties)
        function = str(properties["TargetFunctionArn"]).rpartition(":")[2]
        made.url = function_urls.add(str(kwargs.get("LogicalId", resource_name)), function)
        return made


def register(classes: Mapping[str, type[Remembered]]) -> None:
    """Make resources of these types by these classes from now on, and forget what was created."""
    created.clear()
    find_class, find_name = parsing.resource_class_from_type, parsing.resource_name_property_from_type

    def class_of(resource_type: str) -> Any:
        return classes.get(resource_type) or find_class(resource_type)

    def name_property_of(resource_type: str) -> str | None:
        return None if resource_type in classes else find_name(resource_type)

    parsing.resource_class_from_type = class_of
    parsing.resource_name_property_from_type = name_property_of


def name_without_chance() -> None:
    """Give every resource the same physical name at every start."""
    names: Any = parsing
    names.random_suffix = lambda: "LOCAL"


def create_state_machine(
    cls: Any, /, resource_name: str, cloudformation_json: Properties, account_id: str, region_name: str, **kwargs: Any
) -> Any:
    """Create a state machine of the template in the backend that executes, with its type."""
    del cls, kwargs
    properties = cloudformation_json["Properties"]
    return stepfunctions_parser_backends[account_id][region_name].create_state_machine(
        properties.get("StateMachineName", resource_name),
        properties["DefinitionString"],
        properties["RoleArn"],
        sm_type=properties.get("StateMachineType", "STANDARD"),
        loggingConfiguration=None,
    )


def expire_rows(create_table: Any) -> Any:
    """Make a table of the template as moto does, and heed its time to live, which moto's CloudFormation passes over."""

    def create(
        cls: Any,
        /,
        resource_name: str,
        cloudformation_json: Properties,
        account_id: str,
        region_name: str,
        **kwargs: Any,
    ) -> Any:
        del cls
        table = create_table(resource_name, cloudformation_json, account_id, region_name, **kwargs)
        specification = cloudformation_json["Properties"].get("TimeToLiveSpecification")
        if specification:
            dynamodb_backends[account_id][region_name].update_time_to_live(table.name, specification)
        return table

    return classmethod(create)
