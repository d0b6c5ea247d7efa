"""What is said about accounts as markets move: their state, what would save them, what comes."""
