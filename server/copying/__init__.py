"""All that a server keeps, from one database into another: rows with their keys, and files."""
