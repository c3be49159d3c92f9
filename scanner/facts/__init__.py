"""What a rule may ask: tables, keys, snapshots, gaps."""
