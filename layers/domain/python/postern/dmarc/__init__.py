"""DMARC (RFC 9989): policy records, the tree walk that finds them, alignment, and the verdict on one author domain."""
