"""Midas, the policy-as-code compliance scanner for Azure managed identities: the engine."""

__version__ = "0.1.0"
