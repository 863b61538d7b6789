"""The front end: the SMTP receiver and the relay worker."""
