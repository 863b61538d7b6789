"""`postern cost`: what a message costs, from measured units and a dated table of prices."""
