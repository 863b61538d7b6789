"""Mail that leaves for other sites: what policy says about it, and where it goes."""
