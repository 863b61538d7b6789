"""Relative URI references resolved against a base (RFC 3986 §5), leniently, as mail programs do."""

from __future__ import annotations

import re

_PARTS = re.compile(r"(?:([^:/?#]+):)?(?://([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#(.*))?", re.DOTALL)
_Parts = tuple[str | None, str | None, str, str | None, str | None]


def resolve(base: str, reference: str) -> str:
    """What `reference` means on a page at `base`; without a base, the reference itself, its dot segments removed."""
    scheme, authority, path, query, fragment = _parts(reference)
    base_scheme, base_authority, base_path, base_query, _ = _parts(base)
    if scheme is not None and scheme == base_scheme:
        scheme = None
    if scheme is not None or authority is not None:
        path = _without_dots(path)
    else:
        if not path:
            path, query = base_path, base_query if query is None else query
        elif path.startswith("/"):
            path = _without_dots(path)
        else:
            path = _without_dots(_merged(base_authority, base_path, path))
        authority = base_authority
    return _joined(base_scheme if scheme is None else scheme, authority, path, query, fragment)


def _parts(uri: str) -> _Parts:
    found = _PARTS.match(uri)
    if found is None:
        return None, None, "", None, None
    return found[1], found[2], found[3] or "", found[4], found[5]


def _joined(scheme: str | None, authority: str | None, path: str, query: str | None, fragment: str | None) -> str:
    if not scheme and authority is not None:
        lower = authority.lower()
        scheme = "http" if re.match(r"www\d*\.", lower) else "ftp" if re.match(r"ftp\d*\.", lower) else ""
    result = f"{scheme}:" if scheme else ""
    if authority is not None:
        result += f"//{authority}"
    result += path
    if query is not None:
        result += f"?{query}"
    return result if fragment is None else f"{result}#{fragment}"


def _merged(base_authority: str | None, base_path: str, path: str) -> str:
    if base_authority is not None and not base_path:
        return f"/{path}"
    return base_path[: base_path.rfind("/") + 1] + path


def _without_dots(path: str) -> str:
    """RFC 3986 §5.2.4."""
    if "." not in path:
        return path
    output: list[str] = []
    rest = re.sub(r"\A\.\.?/", "/", path)
    for segment in re.findall(r"/?[^/]*", rest)[:-1]:
        if segment in ("/.", "/.."):
            if segment == "/.." and output:
                output.pop()
            continue
        output.append(segment)
    if rest.endswith(("/.", "/..")):
        output.append("/")
    return "".join(output)
