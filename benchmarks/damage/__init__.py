"""What fsq and textbook statistics see of damage in real tables."""
