"""The parts of the sample data generator; `generate.py` runs them in order."""
