"""Scored rows as pictures, and as one HTML page that opens offline."""
