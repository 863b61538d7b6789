"""Authentication-Results (RFC 8601): written so that no sender can add to it, read without trust, forged ones found."""
