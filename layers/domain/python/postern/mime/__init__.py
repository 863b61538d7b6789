"""Internet messages and MIME, read tolerantly: RFC 5322, RFC 2045 to 2049, RFC 2183, RFC 2231, RFC 6532.

Nothing in this package raises for any octets: what is wrong with a message is a `Defect`, never an exception.
Everything is bounded by `MessageLimits` and takes time linear in the size of the message.

Where CPython's `email` (policy `compat32`) reads a message otherwise:

* a line that is no field ends the header section there; here the section goes on when a well-known field follows
  before the next empty line, as it does for mail readers;
* empty lines before the first field end the header section there; here they are skipped;
* every bare carriage return ends a line there; here only in messages without any line feed;
* content after base64 padding is dropped there; here whole quanta that follow it are decoded;
* a multipart in which no part was found is text in both, but an encoded message/rfc822 is opened only here;
* text is decoded with the charset as labelled there; here a wrong label is repaired (`charsets`).
"""
