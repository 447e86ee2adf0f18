"""Exports: from a recipe to a complete file in storage, written by a process of its own.

The server makes a plan, a line of JSON that says what to read and what to write; a worker carries
it out. What the worker imports knows neither SQLAlchemy nor Pydantic, and above all not Python's
own `sqlite3`: two SQLite libraries in one process undo each other's locks and lose data.

    recipe              what is asked for, as the database keeps it
    plan                recipe → plan: the declarations of the data, compiled to SQL      (server)
    choices             which columns its files show                                      (server)
    statements          how each kind of database is asked                                  (server)
    tables              the plan itself                                          (server and worker)
    worker              the process: a job a line in, progress and results out
    reading …           a snapshot of the database, read through ADBC
    contents            what a plan finds: places, counts, records as columns of Arrow
    archives, documents what is written where: a ZIP, one table, one nested document
    formats             how it is written, in each of the five formats
"""
