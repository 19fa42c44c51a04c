"""Tables and figures of the paper on several emitters, and of the extension to two real transmitters.

Front door: `tables` makes records of predictions, `figures` draws them; notebooks 06, 07 and 08 use both."""
