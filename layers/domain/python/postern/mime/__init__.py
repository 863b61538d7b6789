"""Internet messages and MIME, read tolerantly: RFC 5322, RFC 2045 to 2049, RFC 2183, RFC 2231, RFC 6532.

Nothing in this package raises for any bytes: what is wrong with a message is a `Defect`, never an exception.
Everything is bounded by `MessageLimits` and takes time linear in the size of the message.
"""
