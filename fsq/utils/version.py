"""What the package is called where it is installed from, its version, and where bugs go."""

# ``fsq`` belongs to another project on PyPI.
DISTRIBUTION = "feature-store-quality"
VERSION = "0.2.0"
ISSUES = "https://github.com/feature-store-quality/fsq/issues"
