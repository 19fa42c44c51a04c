"""Confidence in predictions, and what to do if it is low.

Front door: `indicators` (scores and thresholds); `ranging` locates without a network, `hybrid` combines methods.
"""
