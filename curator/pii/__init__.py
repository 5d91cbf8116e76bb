"""What the PII check is made of: rules, name filters, words, addresses, recognisers, overlaps.

`matching` holds everything that is read from `rules/pii/*.yaml`; `recognisers`
gives it and the name models to Presidio, and is the one module that imports it.
"""
