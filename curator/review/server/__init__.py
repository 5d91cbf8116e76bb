"""The embedded Argilla: its private environment, its start, its stop, and where it is found.

The server's own pins clash with curator's, so it runs in an environment of its own
(`environment`) as a process of its own (`process`). What runs inside that process lies
in `embedded/`, which is no part of curator's imports.
"""
