"""Reports: for each paper its records (tables) and its figures, in one common look; start with
`rsslib.reports.confidence_paper` or `rsslib.reports.emitters_paper`."""
