"""The command `disk`: what is on the disk, beside what the database says. No SQL.

    configuration.py  where the media is, by homeserver.yaml
    paths.py          from a row to its path and back
    walk.py           the files of a folder, in order
    rows.py           the rows of a kind, in the same order
    comparison.py     merges both, and says what is different
    second_look.py    looks at each difference again, before it is believed
    tallies.py        the figures
    report.py         the figures as a table, JSON or CSV, and what explains them
    lists.py          the files and rows themselves
    age.py            what is too young to be judged
    providers.py      storage providers: second folders, S3
    size.py           the size of the file system
    progress.py       the line on the terminal meanwhile
    command.py        the options, and what runs all this

It reads only, and Synapse may be running.
"""
