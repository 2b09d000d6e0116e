"""The service against plain documents, side by side in one run: `python -m bench`, `tox -e bench`.

Ratios count, times do not: machines differ, and so do minutes on one machine. So what is compared
is done by turns, and nothing here asserts a time.
"""
