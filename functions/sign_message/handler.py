"""Signs: the decision about an outgoing message in, the same with its header fields and reverse-path out."""

from __future__ import annotations

from typing import Any

from postern_aws.runtime import configure, entry_point
from postern_aws.settings import SignSettings
from postern_aws.sign_function import SignFunction

_function = SignFunction(configure(SignSettings))


@entry_point("sign_message")
def handler(event: Any, context: Any) -> Any:
    """A sign request (see `postern.exchange`) to its response."""
    return _function.run(event)
