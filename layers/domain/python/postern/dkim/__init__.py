"""DomainKeys Identified Mail (RFC 6376, RFC 8301, RFC 8463, RFC 8616): octets and DNS answers in, verdicts out."""
