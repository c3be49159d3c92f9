"""Where facts come from; nothing above knows which."""
