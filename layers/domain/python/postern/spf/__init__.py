"""Sender Policy Framework (RFC 7208): records, macros and `check_host`, with the resolver given."""
