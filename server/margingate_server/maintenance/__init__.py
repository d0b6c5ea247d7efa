"""What is done with a ledger besides serving it: snapshots, verification, copies, export."""
