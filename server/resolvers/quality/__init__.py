"""Quality: how much of what was expected came, and what is wrong with it.

Each check is a declaration: what it reads, one statement that finds it in many places at once, and
how it is told. A new check is one more entry of its module's list, which `checks` gathers.
"""
