"""A recorded crash with drawn accounts: who is called when, and what the margins were worth."""
