"""The inner loops, over numbers in arrays: compiled where there was a compiler.

What is walked over for every context and member (nodes, texts, heads), sums over ranges of rows, and sampling noise.

Every module here is ordinary Python; the ``.pxd`` file beside it gives Cython the types. Without a compiler the same
files run as they are, several times as slowly. Compiled loops do not look whether an index is within an array, and
anything may break off where memory is asked for or a tokenizer is: so what says that something is known, or that there
is room, is always written last.
"""
