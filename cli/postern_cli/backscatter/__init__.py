"""`postern backscatter`: which domains' reports must prove themselves, and the keys of their tags."""
