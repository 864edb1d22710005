"""What has been read and said, each once, within limits.

Who owns which memory, where it lies, who drops it and who counts it:

- *States* (keys and values, or recurrent states) lie on a member's device, in pools of its reader, addressed by slots.
  A prefix tree leases slots, one for each node that has a state; it alone decides which are freed: least recently used
  first (``PrefixTree.shrink``), down to ``MemoryLimits.state_bytes`` for each tree. A freed slot may be taken at once.
- *Buffers* of batches that go on in place are copies of states beside the pools, the reader's own affair. They live
  while one decoding lasts, within a share of the limit on states.
- *Rows* (what a member says behind a node) are tables whose row numbers ``RowSlots`` gives out: one for each member, on
  its device, for all alphabets (``MemberRows``, within ``row_bytes``). A node knows its row and the table knows the
  row's node. What an alphabet adds up of a row is made where it is asked for, beside it (``SymbolSums``).
- *Distributions* over an alphabet's symbols belong to the ``ContextTable``. In ``bytes`` they lie on the host, within
  half of all ``text_bytes``; in alphabets of whole tokens with the members, where these share a device, within a share
  of all ``row_bytes``. A context refers to a row for each member; where a row is taken back, the reference is cleared.
- *Contexts and nodes* (texts, tokens, the figures that stay known) are host memory of the ``ContextTable`` and of the
  trees. Between decodings the longest unused contexts go (the other half of ``text_bytes``), and then the nodes to
  which no context of any alphabet refers. A member's prefix tree serves all alphabets (``MemberMemory``).

What is needed in one turn is never dropped within it, even beyond a limit. What was dropped is computed again when it
is needed: memory changes cost, never results. ``Counters`` belong to the swarm; trees, readers and the decoding loop
add to them, and nothing decides by them.
"""
