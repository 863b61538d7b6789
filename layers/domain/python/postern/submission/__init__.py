"""Mail from people of ours: whom they may send as, and what is completed in what they send (RFC 6409)."""
