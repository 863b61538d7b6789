"""`postern reports`: what others report about our domains, and what we will report about theirs."""
