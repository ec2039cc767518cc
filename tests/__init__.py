"""The tests of Footfall; docs and design say what each kind is for."""
