"""What the sign function does: the decision about an outgoing message in, the same completed out."""

from __future__ import annotations

from typing import Any

from postern.exchange import read_sign_request, sign_response
from postern.outgoing.completion import UNSIGNED, Completed, Completion
from postern_aws import clients, metrics
from postern_aws.batv_keys import SecretKeyRing
from postern_aws.dkim_keys import DkimSecrets, SecretSigningKeys
from postern_aws.message_store import S3MessageStore
from postern_aws.settings import SignSettings

Json = Any


class SignFunction:
    """Completes decisions about outgoing mail; made once per process."""

    def __init__(self, settings: SignSettings) -> None:
        self._messages = S3MessageStore(clients.s3(), settings.message_bucket)
        secrets = clients.secrets()
        self._completion = Completion(
            SecretSigningKeys(DkimSecrets(secrets)), SecretKeyRing(secrets, settings.batv_secret_arn)
        )

    def run(self, payload: Json) -> Json:
        """The response to a sign request. Raises `WireError`, `Unavailable`, `PolicyError`."""
        transaction, policy, decision = read_sign_request(payload)
        raw = self._messages.read(transaction.message)
        completed = self._completion.complete(decision, transaction, raw, policy)
        _count(completed)
        return sign_response(completed.decision, completed.result)


def _count(completed: Completed) -> None:
    unsigned = any(finding.symbol == UNSIGNED for finding in completed.result.findings)
    metrics.emit(
        {metrics.SENT_SIGNED: int(not unsigned), metrics.SENT_UNSIGNED: int(unsigned)},
        transaction_id=completed.decision.transaction_id,
        reason=completed.result.reason,
    )
