"""Partitions of the large tables of records, on PostgreSQL: which there are, made, and dropped."""
