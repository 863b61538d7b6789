"""`postern domains`, `accounts`, `aliases`: who receives here."""
