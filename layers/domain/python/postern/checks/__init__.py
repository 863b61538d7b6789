"""One module per defence; none imports another."""
