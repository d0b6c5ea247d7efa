"""Value at risk and expected shortfall over joint worlds of several underlyings."""
