"""`postern trace`: what became of a message and why, from its receipt."""
