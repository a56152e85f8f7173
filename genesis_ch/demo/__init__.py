"""The search behind `genesis-ch demo`: programs that pack circles, evolved and recorded.

`runner.py` is the part to read: it logs as any runner would. The other modules are the
experiment itself and need nothing but the standard library.
"""
