"""`postern shield`: which addresses a domain may send from."""
