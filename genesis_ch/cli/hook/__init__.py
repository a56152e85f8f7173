"""A directory for PYTHONPATH, set by `genesis-ch exec`; its sitecustomize.py does the work."""
