"""The papers' claims compared with our records.

Front door: `page.main` (`python -m rsslib.claims`) writes RESULTS.md and LEDGER.md; `results` writes and reads records.
"""
