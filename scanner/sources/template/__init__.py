"""ARM templates and Bicep files in one form, and their evaluation."""
