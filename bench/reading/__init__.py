"""`make bench-read`: how many requests a second ours answers, against its peers and the floor."""
