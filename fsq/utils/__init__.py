"""Small helpers that know nothing about features."""
