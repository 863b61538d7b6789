"""DNS blocklists and allow lists of addresses (RFC 5782): lists as policy, their return codes, their health."""
