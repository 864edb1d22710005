"""What is walked over for every context and member, as numbers in arrays: compiled where there was a compiler.

Every module here is ordinary Python; the ``.pxd`` file beside it gives Cython the types. Without a compiler the same
files run as they are, several times as slowly. Compiled loops do not look whether an index is within an array, and
anything may break off where memory is asked for or a tokenizer is: so what says that something is known, or that there
is room, is always written last.
"""
