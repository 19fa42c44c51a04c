"""What the figures and notebooks on several emitters say, computed from their records: a module for each."""
