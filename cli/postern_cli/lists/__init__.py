"""`postern lists`: who is blocked, allowed or refused, and for whom."""
