"""How far to trust a prediction, and what to do where it cannot be trusted.

Start with `indicators`: scores and thresholds; `ranging` locates without a network, `hybrid` combines methods.
"""
