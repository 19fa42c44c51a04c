"""One transmitter from what receivers heard: networks that draw where it may be, and the locations read off their images.

Front door: `rsslib.localization.localizer.Localizer`.
"""
