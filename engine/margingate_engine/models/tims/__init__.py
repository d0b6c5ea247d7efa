"""The model `tims`: ten valuation points, offsets between groups of classes, contract minimums."""
