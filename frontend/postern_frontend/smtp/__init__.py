"""SMTP as a conversation without I/O: octets in, replies and events out (RFC 5321 and its extensions)."""
