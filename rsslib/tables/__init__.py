"""Tables of readings that others bring: text files and frames, their columns, their coordinates."""
