"""Bicep files and parameter files."""
