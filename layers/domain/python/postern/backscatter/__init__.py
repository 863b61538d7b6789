"""Backscatter protection: bounce address tags on outgoing mail, and the proof they give when a report comes back."""
