"""Small helpers that know nothing of features."""
