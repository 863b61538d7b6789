"""`postern quarantine`: what is held, and letting it go or removing it."""
