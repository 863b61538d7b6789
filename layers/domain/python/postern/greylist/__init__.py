"""Greylisting (RFC 6647): what is counted as one attempt, and what an attempt is answered."""
