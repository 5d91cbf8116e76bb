"""The folder that is put on the path of the review server's own environment.

Curator itself reads nothing here but the exit codes: what the rest imports is not installed
beside curator.
"""
