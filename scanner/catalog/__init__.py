"""What is true of Azure itself: roles, capabilities, attachment paths."""
