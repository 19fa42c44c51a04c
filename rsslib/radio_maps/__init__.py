"""Radio maps: what each receiver would read of a transmitter anywhere, with its uncertainty; a location is Bayes' rule.

Front door: `rsslib.radio_maps.localizer.RadioMaps`.
"""
