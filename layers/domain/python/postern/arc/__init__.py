"""Authenticated Received Chain (RFC 8617): what the servers on a message's way saw, sealed by each of them."""
