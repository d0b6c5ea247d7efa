"""The margin of many accounts at once: holdings in columns, one sparse product for all."""
