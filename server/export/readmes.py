"""What a package of one person's own data says to them, in plain words."""

from server.export.contents import Contents
from server.export.tables import Plan

_TEXT = """\
Your data
=========

This package holds what is stored about you in the study

    {experiment}

as of {at} (UTC). You are {person} in it.

What is in it
-------------

{files}
Each room is a session that you took part in, and has a folder with your records from it.
The file participants.{ending} says what is known of you besides: when you were there, and, if it
was collected, your e-mail address, network address and browser. Files that end in .json are for
programs: data_dictionary.json says what each column means, metadata.json what is in the package.
{opening}
Who else is in it
-----------------

Nobody else can be recognised, as far as the system knows of them: wherever your records tell of
another person, a code such as P0002 stands in the place of their name, id or address. The same code
is always the same person. What you wrote yourself about somebody in words of your own may remain.

Your rights
-----------

If something is wrong or missing, or you want it to be deleted, write to whoever ran the study.
"""

_OPENING = """\
Files that end in .{ending} are tables: any spreadsheet program opens them. In them, a ' in front of
a text is not yours: it keeps such a program from taking the text for a formula.
"""


def own_data_readme(plan: Plan, contents: Contents) -> str:
    """Return the text of a package's README."""
    ending = plan.format.lower()
    [experiment] = contents.experiments.columns["name"].to_pylist()
    counts = [
        f"  {table.stem}.{ending}: {table.title}, {contents.selected[table.data_type]:,} in all\n"
        for table in plan.records
    ]
    person = contents.participants.ids[0].as_py()
    return _TEXT.format(
        experiment=experiment,
        at=plan.snapshot_at[:19].replace("T", " "),
        person=person,
        ending=ending,
        files="".join(counts),
        opening=_OPENING.format(ending=ending) if plan.formula_guard else "",
    )
