"""Scored rows as charts, and as one HTML page that opens offline."""
