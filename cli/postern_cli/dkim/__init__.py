"""`postern dkim`: the keys that outgoing mail is signed with."""
