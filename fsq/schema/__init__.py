"""The output's columns, stated once, and what derives from them."""
