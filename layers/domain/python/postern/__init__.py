"""The rules of mail filtering: pure, with every effect passed in."""
