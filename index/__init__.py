"""Documents in, passages out: a searchable library on disk that stays true to its files."""
