"""Load rules, evaluate them together, judge."""
