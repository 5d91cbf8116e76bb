"""What runs inside the review server's own environment.

This package knows nothing of curator: the environment holds argilla-server's pins and
nothing else. It is put on that environment's path and started as a program
(`python -m curator_review_server`), so its modules import each other relatively.
"""
