"""`postern learn`: what is spam and what is not, learnt into a directory or by the service."""
