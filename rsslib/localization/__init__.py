"""Localization of one transmitter from RSS: networks that output images of its location, and the locations decoded.

Front door: `rsslib.localization.localizer.Localizer`.
"""
