"""The built-in rules: one module per rule, in folders by family; loaded from disk as anybody's rules are."""
