"""Management of ledger."""
