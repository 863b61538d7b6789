"""Rules in SpamAssassin's language: parsed from `.cf` text, compiled once, evaluated per message."""
