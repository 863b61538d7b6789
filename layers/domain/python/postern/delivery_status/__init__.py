"""Delivery status notifications (RFC 3461, RFC 3464): who is told what about a copy, and how it is said."""
