cimport cython
from evoswarm.decoding.compiled.arrays cimport Stack, longer, numbers
from evoswarm.decoding.compiled.int_map cimport IntMap
from evoswarm.decoding.compiled.nodes cimport Nodes, pair
from evoswarm.decoding.compiled.text_states cimport TextStates

@cython.final
cdef class Heads:
    cdef public long long[::1] begin
    cdef public long long[::1] node
    cdef public long long[::1] branch
    cdef public double[::1] mass
    cdef public double[::1] unread
    cdef public long long[::1] read_begin
    cdef public long long[::1] read_count
    cdef public long long[::1] reads
    cdef readonly Stack wanted
    cdef readonly Stack edges
    cdef readonly Stack totals
    cdef readonly Stack used
    cdef Stack _way
    cdef Nodes _nodes
    cdef TextStates _texts
    cdef object _prompt_of
    cdef long long[::1] _first
    cdef int[::1] _count
    cdef long long[::1] _ends
    cdef long long _end_count
    cdef IntMap _known_totals
    cdef double[::1] _total
    cdef long long _heads
    cdef long long _read_count
    cdef long long[::1] _back
    cdef long long[::1] _next
    cdef double[::1] _next_mass
    cdef double[::1] _sorted

    cpdef forget(self, long long contexts)
    cpdef make_room(self, long long contexts)
    @cython.locals(asked="const long long[::1]", above="const long long[::1]", length="const int[::1]",
                   place=cython.longlong, one=cython.longlong, state=cython.longlong, distance=cython.longlong,
                   texts=TextStates)
    cpdef find(self, contexts, parents, symbols)
    @cython.locals(count=cython.longlong, first=cython.longlong, size=cython.longlong, place=cython.longlong)
    cdef _add_heads(self, long long start, long long branch, const int[::1] length)
    @cython.locals(texts=TextStates, nodes=Nodes, way=Stack, one=cython.longlong, above=cython.longlong,
                   start=cython.longlong, tail=cython.longlong, path=cython.longlong, place=cython.longlong,
                   node=cython.longlong)
    cdef _find_ends(self, long long context, const int[::1] length)
    cdef _add_end(self, long long node)
    @cython.locals(asked="const long long[::1]", bad="const unsigned char[::1]", becomes="signed char[::1]",
                   place=cython.longlong)
    cpdef weigh(self, places, long long clock, double epsilon, long long most, not_finite)
    @cython.locals(nodes=Nodes, first=cython.longlong, last=cython.longlong, common=cython.longlong,
                   head=cython.longlong, seen=cython.longlong, ready=cython.bint, at=cython.longlong,
                   node=cython.longlong, row=cython.longlong)
    cdef int _weigh(self, long long place, long long clock, double epsilon, long long most,
                          const unsigned char[::1] bad) except -1
    @cython.locals(parent="int[::1]", depth="int[::1]")
    cdef long long _meeting(self, long long one, long long other) noexcept
    cdef _note_read(self, long long place, long long node)
    @cython.locals(nodes=Nodes, learnt=cython.bint, head=cython.longlong, node=cython.longlong, key=cython.longlong,
                   above=cython.longlong)
    cdef bint _all_learnt(self, long long first, long long last, long long common) except -1
    @cython.locals(nodes=Nodes, counts=cython.double, unread=cython.longlong, head=cython.longlong,
                   node=cython.longlong, mass=cython.double, key=cython.longlong, at=cython.longlong,
                   least=cython.double, more=cython.bint)
    cdef bint _ask(self, long long place, long long first, long long last, long long common, double epsilon) except -1
    @cython.locals(head=cython.longlong, at=cython.longlong, total=cython.double, least=cython.double)
    cdef (double, double) _left_out(self, long long unread, double room)
    @cython.locals(mass=cython.double)
    cdef double _mass_of(self, long long node, long long common) noexcept
    @cython.locals(asked="const long long[::1]", values="const double[::1]", place=cython.longlong,
                   number=cython.longlong)
    cpdef note_totals(self, keys, found)
