"""The site: pages for readers who install nothing. Front door: `rsslib site`, `make site`."""
