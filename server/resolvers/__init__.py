"""What the server does when asked: functions of a context and plain values that return rows."""
