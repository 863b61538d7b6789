"""`postern domains`, `aliases`: who receives here."""
