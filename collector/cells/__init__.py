"""Store cells: views, schema, fan-out, sealing and folding, retention."""
