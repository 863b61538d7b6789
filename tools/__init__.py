"""What `make` runs: set-up and the gates. Standard library only, for it runs before anything is installed."""
