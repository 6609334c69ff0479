"""What the package is called where it is installed from, and its version."""

# ``fsq`` belongs to another project on PyPI.
DISTRIBUTION = "feature-store-quality"
VERSION = "0.1.0"
