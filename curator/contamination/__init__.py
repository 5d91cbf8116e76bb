"""What evaluation items and records have in common: in words, and in meaning."""
