"""Functions over the URIs of a message (SpamAssassin's URIEval and the host lists of WLBLEval)."""

from __future__ import annotations

import re
from collections.abc import Mapping

from postern.rules.functions.kind import Function
from postern.rules.inspection import Inspection

_REDIRECTED = re.compile(r"https?://([^/:?]+).+?(https?:/{0,2}?([^/:?]+).*)", re.IGNORECASE | re.DOTALL)


def check_for_http_redirector(inspection: Inspection) -> bool:
    """Whether a URI leads through one domain to another."""
    domains = inspection.settings.domains
    for uri in inspection.uris.uris:
        found = _REDIRECTED.match(uri)
        while found:
            if domains.trim(found[1]) != domains.trim(found[3]):
                return True
            found = _REDIRECTED.match(found[2])
    return False


def check_uri_truncated(inspection: Inspection) -> bool:
    """Whether a URI was too long to be read whole."""
    return inspection.uris.truncated


def check_uri_host_listed(inspection: Inspection, name: str) -> bool:
    """Whether a host is in a list of `enlist_uri_host (NAME)`; an entry with `!` is not, whatever its parents are."""
    listed = _host_list(inspection, name)
    hosts = {host for uri, info in inspection.uris.details.items() if uri[:7] != "mailto:" for host in info.hosts}
    return any(_is_listed(host, listed) for host in hosts) if listed else False


def _is_listed(host: str, listed: Mapping[str, bool]) -> bool:
    labels = host.split(".")
    for index in range(len(labels)):
        found = listed.get(".".join(labels[index:]))
        if found is not None:
            return found
    return False


def _host_list(inspection: Inspection, name: str) -> dict[str, bool]:
    key = f"hosts {name}"
    if key not in inspection.settings.patterns:
        found: dict[str, bool] = {}
        for line in inspection.settings.words.get("enlist_uri_host", ()):
            list_name, _, entries = line.partition(")")
            if list_name.strip(" (") == name:
                found |= {entry.lower().lstrip("!"): not entry.startswith("!") for entry in entries.split()}
        inspection.settings.patterns[key] = found
    listed: dict[str, bool] = inspection.settings.patterns[key]
    return listed


def check_uri_host_in_blocklist(inspection: Inspection) -> bool:
    """Whether a host is in the list `BLOCK`."""
    return check_uri_host_listed(inspection, "BLOCK")


def check_uri_host_in_welcomelist(inspection: Inspection) -> bool:
    """Whether a host is in the list `WELCOME`."""
    return check_uri_host_listed(inspection, "WELCOME")


def short_url(inspection: Inspection) -> bool:
    """Whether a host is one of `url_shortener`."""
    known = inspection.settings.all("url_shortener")
    return any(host in known for info in inspection.uris.details.values() for host in info.hosts)


FUNCTIONS: Mapping[str, Function] = {
    "check_for_http_redirector": check_for_http_redirector,
    "check_uri_truncated": check_uri_truncated,
    "check_uri_host_listed": check_uri_host_listed,
    "check_uri_host_in_blocklist": check_uri_host_in_blocklist,
    "check_uri_host_in_blacklist": check_uri_host_in_blocklist,
    "check_uri_host_in_welcomelist": check_uri_host_in_welcomelist,
    "check_uri_host_in_whitelist": check_uri_host_in_welcomelist,
    "short_url": short_url,
}
