"""The whole service on one machine, on an embedded AWS."""
