"""Benchmarks: our figures beside a peer's, in the same run, on the same data."""
