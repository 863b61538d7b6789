"""The relay worker: takes accepted copies on to the recipients' own servers."""
