"""`postern greylist`: who is waiting, and a mailbox that cannot wait."""
