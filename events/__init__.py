"""Sample events, sample messages and a sample zone; every file is run by a test."""
