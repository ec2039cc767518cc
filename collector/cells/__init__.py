"""Keep the cells: declare views, write the schema, seal days, drop what is old."""
