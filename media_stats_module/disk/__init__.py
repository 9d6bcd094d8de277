"""The command `disk`: compares the files on the disk with the database. No SQL.

    command.py          the options, and the run
    configuration.py    where the media is, by homeserver.yaml
    paths.py            from a row to its path and back
    walk.py             the files of a folder, in order
    rows.py             the rows of a kind, in the same order
    providers.py        the files of storage providers, in the same order: of a second
                        folder, of a bucket (s3.py), of its listing (listing.py)
    comparison.py       merges all of them, and finds the differences
    age.py              the age from which files and rows are judged
    second_look.py      looks at each difference again, before it is counted
    tallies.py          the figures
    report.py           the figures as a table, JSON or CSV, and the sum explaining them
    difference_list.py  the files and rows themselves
    progress.py         the line on the terminal meanwhile
    size.py             the size of a file system; patient_size.py has a timeout

It changes nothing, and Synapse may be running.
"""
