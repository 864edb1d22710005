"""A run as one page that opens anywhere: read from the files of its directory, drawn by whatever browser opens it."""
