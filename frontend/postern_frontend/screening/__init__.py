"""Dynamic screening at the front end: what is known of bans, what is still to be reported, and what people are told."""
