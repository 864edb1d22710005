"""What a policy and the members answered to each question, out of the ledger."""
