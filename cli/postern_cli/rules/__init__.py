"""`postern rules`: rule files looked at, explained, and put in force."""
