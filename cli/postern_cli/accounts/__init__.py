"""`postern accounts`: who exists, who may log in, as whom they may send."""
