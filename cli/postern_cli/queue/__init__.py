"""The queue of mail for other servers, from the command line."""
