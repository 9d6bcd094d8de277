"""An answer as text: JSON, CSV or a table. No HTTP, no SQL."""

from media_stats_module.formats.csv import encode_csv
from media_stats_module.formats.json import Rows, count_rows, encode_json, encode_rows
from media_stats_module.formats.table import (
    document_table,
    list_table,
    printable,
    size_text,
    table,
)

__all__ = [
    "Rows",
    "count_rows",
    "document_table",
    "encode_csv",
    "encode_json",
    "encode_rows",
    "list_table",
    "printable",
    "size_text",
    "table",
]
