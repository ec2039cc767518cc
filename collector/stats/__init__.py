"""The read side: questions as data, planned over the views, answered from cells."""
