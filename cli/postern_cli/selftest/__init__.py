"""`postern selftest`: is every defence alive?"""
