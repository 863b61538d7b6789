"""The CDK app: settings in, one stack out, checked by cdk-nag. `cdk synth`, or `python app.py` without that tool."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from aws_cdk import App, Validations
from cdk_nag import AwsSolutionsChecks

from infra.settings import SettingsError, read_settings
from infra.stack import PosternStack

STACK_NAME = "Postern"
CONFIGURATION = Path(__file__).with_name("cdk.json")


def build(app: App) -> PosternStack:
    """Put the stack into the app. Raises `SettingsError`."""
    stack = PosternStack(app, STACK_NAME, settings=read_settings(app.node.try_get_context))
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    return stack


def main() -> int:
    """Synthesize; the exit code for the shell."""
    configuration = json.loads(CONFIGURATION.read_text(encoding="utf-8"))
    app = App(context=configuration["context"], analytics_reporting=False, auto_synth=False)
    try:
        build(app)
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    app.synth()
    return 0


if __name__ == "__main__":
    sys.exit(main())
