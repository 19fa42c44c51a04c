"""The paper on confidence: records of its tables and figures, made from trained ensembles; start with
`loss_comparison.load` and `loss_comparison.table2`, and draw with `figures`."""
