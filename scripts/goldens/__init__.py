"""Parts of scripts/goldens.py."""
