"""Runs of the Java programs for their start-up caches."""
