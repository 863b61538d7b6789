"""`postern up`: the whole service on this machine."""
