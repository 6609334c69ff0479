"""The output's columns, stated once, and the schemas that derive from them."""
