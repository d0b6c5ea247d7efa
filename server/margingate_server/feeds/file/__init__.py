"""A market frozen in a file: the venue's own JSON, or a CSV of option marks."""
