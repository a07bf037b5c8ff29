"""Citespan beside txtai, Haystack and LangChain: the same passages, weights and questions."""
