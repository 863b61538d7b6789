"""The defences of the conversation itself: what is counted of a client, and what follows for it and its neighbours."""
