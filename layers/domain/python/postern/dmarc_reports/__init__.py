"""DMARC aggregate and TLS reports: what we count for other domains' owners, and what others report about ours."""
