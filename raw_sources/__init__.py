"""Where faces and records come from: one module per source, each turning its raw file into one typed table."""
