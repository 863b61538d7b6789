"""What a new state directory is filled with: two domains, two people, and a few opinions about senders.

Everything is written as a postmaster would write it, into the tables; it can be changed by the `postern` command.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import boto3

from postern.dkim.algorithms import KeyType
from postern.dkim.key_set import KeySet
from postern_aws import clients
from postern_aws.dkim_keys import DkimSecrets
from postern_aws.items import to_item
from postern_aws.key_making import new_private_key
from postern_frontend.passwords import hash_password

Row = Mapping[str, object]

PASSWORD = "open-sesame"
"""Of an example account; the service listens on loopback only."""

HOSTED = "example.com"
SELECTORS = {"local-rsa": KeyType.RSA, "local-ed": KeyType.ED25519}
RELAYED = "relayed.example"


def rows(relay_port: int, remote_port: int) -> dict[str, list[Row]]:
    """The rows by the output that names their table.

    The server of the relayed domain and the one that stands for all other sites listen on loopback.
    """
    return {
        "DomainsTable": [
            {"domain": HOSTED, "note": "hosted: its mail stays here"},
            relayed_domain(relay_port),
        ],
        "AccountsTable": [
            {"address": f"ann@{HOSTED}", "password": hash_password(PASSWORD), "note": f"password: {PASSWORD}"},
            {"address": f"bob@{HOSTED}"},
        ],
        "AliasesTable": [
            {"address": f"postmaster@{HOSTED}", "targets": [f"ann@{HOSTED}"]},
            {"address": f"team@{HOSTED}", "targets": [f"ann@{HOSTED}", f"bob@{HOSTED}"]},
        ],
        "SenderListsTable": [
            {"scope": "global", "entry": "block#*@spam.example", "note": "adds 100 points"},
            {"scope": "global", "entry": "refuse#*@banned.example", "note": "refused before the content is looked at"},
            {"scope": f"mailbox:bob@{HOSTED}", "entry": "block#*@bounces.shop.example", "note": "Bob has no garden"},
        ],
        "PolicyTable": [
            {"scope": "global", "section": "sender_lists", "mode": "enforce"},
            {"scope": "global", "section": "dnsbl", "mode": "enforce", "note": "refuses the clients that lists name"},
            {"scope": "global", "section": "dmarc", "trusted_sealers": ["list.example"], "note": "its ARC seals count"},
            {"scope": "global", "section": "vbr", "trusted_certifiers": ["certifier.example"]},
            {"scope": "global", "section": "greylisting", "delay_minutes": 1, "note": "a minute, so that one sees it"},
            {"scope": f"mailbox:ann@{HOSTED}", "section": "greylisting", "mode": "observe", "note": "Ann never waits"},
            {"scope": f"mailbox:bob@{HOSTED}", "section": "spam_filter", "flagged": "quarantine"},
            outgoing_policy(remote_port),
        ],
    }


_OUTGOING: Row = {"scope": "global", "section": "outgoing"}


def relayed_domain(relay_port: int) -> Row:
    """The row of the relayed domain; the port of its server may differ at every start."""
    return {
        "domain": RELAYED,
        "route": "relay",
        "recipient_check": "pattern",
        "patterns": ["*"],
        "target_host": "127.0.0.1",
        "target_port": relay_port,
        "target_tls": "none",
        "note": "relayed: its mail goes on to a server of its own",
    }


def outgoing_policy(remote_port: int) -> Row:
    """Nothing leaves this machine: one server on it takes all mail for other sites."""
    return {
        **_OUTGOING,
        "route": "smarthost",
        "smarthost_host": "127.0.0.1",
        "smarthost_port": remote_port,
        "smarthost_tls": "none",
        "mx_port": remote_port,
        "private_hosts": True,
        "note": "nothing leaves this machine: a server on it takes all mail for other sites",
    }


def seed(outputs: Mapping[str, str], relay_port: int, remote_port: int) -> bool:
    """Fill the tables of a new state directory; whether it was new. In an old one only the two ports are set."""
    client: Any = boto3.client("dynamodb")
    domains = outputs["DomainsTable"]
    if client.scan(TableName=domains, Limit=1)["Items"]:
        _set_relay_port(client, domains, relay_port)
        _set_remote_port(client, outputs["PolicyTable"], remote_port)
        return False
    for output, its_rows in rows(relay_port, remote_port).items():
        for row in its_rows:
            client.put_item(TableName=outputs[output], Item=to_item(row))
    _sign_outgoing_mail()
    return True


def _sign_outgoing_mail() -> None:
    """A key of each kind, which sign at once: nobody could publish records of a domain that is an example."""
    now, keys = datetime.now(UTC), KeySet(HOSTED)
    for selector, kind in SELECTORS.items():
        keys = keys.with_new(selector, new_private_key(kind), kind, now).switched_to(selector, now)
    DkimSecrets(clients.secrets()).write(keys)


def _set_relay_port(client: Any, table: str, port: int) -> None:
    try:
        client.update_item(
            TableName=table,
            Key=to_item({"domain": RELAYED}),
            UpdateExpression="SET target_port = :port",
            ConditionExpression="target_host = :host",
            ExpressionAttributeValues=to_item({":port": port, ":host": "127.0.0.1"}),
        )
    except client.exceptions.ConditionalCheckFailedException:
        return  # somebody has removed the domain or given it a server of its own


def _set_remote_port(client: Any, table: str, port: int) -> None:
    try:
        client.update_item(
            TableName=table,
            Key=to_item(_OUTGOING),
            UpdateExpression="SET smarthost_port = :port, mx_port = :port",
            ConditionExpression="smarthost_host = :host AND private_hosts = :yes",
            ExpressionAttributeValues=to_item({":port": port, ":host": "127.0.0.1", ":yes": True}),
        )
    except client.exceptions.ConditionalCheckFailedException:
        return  # somebody sends in another way
