"""What is known about prices at one instant."""
