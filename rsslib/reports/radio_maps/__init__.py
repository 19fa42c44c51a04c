"""The report of our own method: radio maps and networks fed by them, beside the networks of paper 1."""
