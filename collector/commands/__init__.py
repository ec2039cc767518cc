"""The commands of `footfall`, one module for each group."""
