"""What can be seen of a running server: metrics, lines of its log, traces."""
