"""The packages of others, as layers."""
