"""`postern bayes`: what was learnt, what speaks for or against a message, and the way back."""
