"""Reading files of others: tables, pictures, features, downloads."""
