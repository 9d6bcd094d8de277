"""The command `disk`: compares the files on the disk with the database. No SQL.

    configuration.py  where the media is, by homeserver.yaml
    paths.py          from a row to its path and back
    walk.py           the files of a folder, in order
    rows.py           the rows of a kind, in the same order
    comparison.py     merges both, and finds the differences
    second_look.py    looks at each difference again, before it is believed
    tallies.py        the figures
    report.py         the figures as a table, JSON or CSV, and the sum explaining them
    lists.py          the files and rows themselves
    age.py            the age from which files and rows are judged
    providers.py      storage providers: second folders, S3
    size.py           the size of the file system
    progress.py       the line on the terminal meanwhile
    command.py        the options, and the run

It changes nothing, and Synapse may be running.
"""
