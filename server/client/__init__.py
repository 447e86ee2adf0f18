"""The other side of the API: asking a server for exports, fetching them, checking what came.

It knows the server by its addresses and the files by their metadata, and imports neither the schema
nor the database: it works the same against a server on another machine.
"""
