"""What the figures and notebooks of the paper on confidence say, computed from their records: a module for each."""
