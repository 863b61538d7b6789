"""The synthesized template, deployed into moto as CloudFormation would deploy it."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path

import boto3

from postern_local.account import ACCOUNT, REGION, STACK

BOOTSTRAP_VERSION = "/cdk-bootstrap/hnb659fds/version"
ASSET_BUCKET = f"cdk-hnb659fds-assets-{ACCOUNT}-{REGION}"


def deploy(assembly: Path) -> Mapping[str, str]:
    """Create the stack of a cloud assembly; its outputs by name."""
    _bootstrap(assembly)
    client = boto3.client("cloudformation")
    template = (assembly / f"{STACK}.template.json").read_text(encoding="utf-8")
    client.create_stack(StackName=STACK, TemplateBody=template)
    stack = client.describe_stacks(StackName=STACK)["Stacks"][0]
    return {one["OutputKey"]: one["OutputValue"] for one in stack.get("Outputs", ())}


def _bootstrap(assembly: Path) -> None:
    """What `cdk bootstrap` and the upload of assets leave: a version, and an object for each asset.

    The objects are empty archives: code is read from the assembly itself.
    """
    boto3.client("ssm").put_parameter(Name=BOOTSTRAP_VERSION, Value="30", Type="String")
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket=ASSET_BUCKET)
    assets = json.loads((assembly / f"{STACK}.assets.json").read_text(encoding="utf-8"))
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as empty:
        empty.writestr("empty", "")
    for asset in assets["files"].values():
        for destination in asset["destinations"].values():
            s3.put_object(Bucket=ASSET_BUCKET, Key=destination["objectKey"], Body=archive.getvalue())
