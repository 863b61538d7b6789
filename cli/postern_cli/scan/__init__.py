"""`postern scan`: the verdict on messages from files, in one process, without any service."""
