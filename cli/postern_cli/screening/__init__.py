"""Who is shut out, and why: `postern screening`."""
