"""How alike texts are: fingerprints, shingle sets, MinHash, verified Jaccard, components."""
