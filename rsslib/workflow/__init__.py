"""How things are run: notebooks, the stages of a profile, and the chain twice to see that results repeat."""
