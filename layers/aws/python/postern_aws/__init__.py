"""Adapters between the domain's ports and AWS, DNS and the Lambda runtime."""
