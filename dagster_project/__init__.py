"""Resultattavla: delivered extracts -> trusted numbers -> published indicators."""

import os

# Disclosure control solves thousands of tiny systems: threads of the linear algebra library only fight over them, and
# one thread gives the same rounding on every machine. Read when numpy is imported, so it is set before anything else.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
