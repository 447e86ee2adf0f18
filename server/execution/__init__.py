"""How selections of rows are executed: breadth first, by plans compiled once a document.

A field declared by `batched` says what to load for *many* sources. The executor asks for it once
a level, whatever the number of rows, and makes the answer of tuples by code compiled for the
selection. Anything it is not sure of, an error above all, it leaves to graphql-core, which executes
the same field again and answers as the specification says. It knows rows and Relay's pages, none of
our types.
"""
