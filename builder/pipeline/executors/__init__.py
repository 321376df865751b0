"""The executors that come with fiubench, one a file."""
