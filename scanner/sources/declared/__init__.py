"""What infrastructure files declare, in one form for all languages, and its way into facts."""
