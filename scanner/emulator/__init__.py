"""A local Azure for demo, tests and rule authors: real HTTP, real SDK clients."""
