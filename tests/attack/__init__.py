"""Attacks on what is stored, each with a control that must succeed."""
