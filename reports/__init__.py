"""One writer per report format; each takes one frozen report."""
