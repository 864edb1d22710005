"""A run as tables: its individuals, items, evaluations and front as Parquet and CSV, every column documented."""
