"""The two doors: the page and the command line."""
