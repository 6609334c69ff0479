"""Timings of fsq; see README.md beside this file."""
