"""`postern policy`: what can be set, what is set where, and setting it."""
