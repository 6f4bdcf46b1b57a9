"""The benchmark (`make bench`): what a run costs beside what cannot be avoided, and beside a hand-written script."""
