"""Tables: JSON, CSV, Parquet and Excel; a row is a record."""
