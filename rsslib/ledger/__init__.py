"""What the papers print and what our records say, compared claim by claim.

Start with `page.main` (`python -m rsslib.claims`), which writes RESULTS.md; `results` writes and reads records.
"""
