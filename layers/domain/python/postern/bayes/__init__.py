"""The learning part of the spam engine.

A message becomes features (`features`); a Robinson/Fisher classifier over tokens (`fisher`) stands on its own and can
explain itself; two online logistic regressions (`logistic`), over the same tokens and over byte trigrams, stand beside
it; their combination (`combine`) is calibrated to a probability in three states. What was learnt is a set of examples
(`learning`); a model is a pure function of that set and the seed model (`training`), so that learning is exact and
can be undone.

Nothing here is imported before it is needed: NumPy takes 0.1 s to import.
"""
