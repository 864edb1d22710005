"""The composition root: a search space is wired up, evolved, and ends as a run directory with a champion in it.

Nothing is imported here: what only reads files (`places`, `finished_run`) is needed before the models' libraries are.
"""
