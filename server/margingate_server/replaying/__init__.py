"""Takes every decision of a log again, from what the log and the market store say it rested on."""
