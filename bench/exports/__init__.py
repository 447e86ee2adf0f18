"""`make bench-export`: what an export costs, against other ways to write the same file."""
