UPDATE directory SET version = version + 1
