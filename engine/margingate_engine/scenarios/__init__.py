"""Which worlds we look at, and what every instrument loses in them."""
