cimport cython
from evoswarm.decoding.compiled.arrays cimport Stack, longer, numbers
from evoswarm.decoding.compiled.int_map cimport IntMap

cpdef long long pair(long long node, long long other) noexcept

@cython.final
cdef class Nodes:
    cdef readonly IntMap children
    cdef readonly long long count
    cdef readonly long long alive
    cdef readonly list _freed
    cdef public int[::1] parent
    cdef public int[::1] token
    cdef public int[::1] depth
    cdef public long long[::1] slot
    cdef public long long[::1] row
    cdef public double[::1] edge
    cdef public unsigned char[::1] keeps_row
    cdef public unsigned char[::1] read_before
    cdef public unsigned char[::1] has_state
    cdef public long long[::1] used
    cdef int[::1] _first_child
    cdef int[::1] _sibling
    cdef long long[::1] _mark
    cdef int[::1] _below
    cdef int[::1] _only
    cdef long long _walk
    cdef long long _size

    @cython.locals(key=cython.longlong, found=cython.longlong)
    cpdef int child(self, long long node, long long token) except -1
    @cython.locals(found=cython.longlong)
    cpdef int behind(self, long long node, long long token) except -1
    @cython.locals(node=cython.longlong)
    cpdef int add(self, long long parent, long long token) except -1
    @cython.locals(above=cython.longlong)
    cdef _link(self, long long node)
    @cython.locals(below=list, one=cython.longlong)
    cpdef keep_rows_behind(self, long long node)
    @cython.locals(size=cython.longlong)
    cdef _extend(self)
    @cython.locals(found="long long[::1]", place=cython.longlong)
    cpdef path(self, long long node)
    @cython.locals(rows=cython.longlong, first=cython.bint)
    cpdef long long rows_missing(self, long long node)
    @cython.locals(asked="const long long[::1]", node=cython.longlong, place=cython.longlong, first=cython.bint,
                   above=cython.longlong, tops="const long long[::1]", missing=Stack, found=Stack, begins=Stack)
    cpdef chains(self, wanted)
    @cython.locals(asked="const long long[::1]", node=cython.longlong, one=cython.longlong, place=cython.longlong,
                   read=cython.longlong, counted=cython.longlong, tokens=cython.longlong, passes=cython.longlong,
                   rows=cython.longlong, context=cython.longlong)
    cpdef use(self, long long prompt, reads)
    @cython.locals(asked="const long long[::1]", node=cython.longlong, place=cython.longlong)
    cpdef with_ancestors(self, nodes)
    @cython.locals(newest="long long[::1]", order="const long long[::1]", node=cython.longlong, above=cython.longlong,
                   place=cython.longlong)
    cpdef last_used(self)
    @cython.locals(order="const long long[::1]", keep="const unsigned char[::1]", below="int[::1]",
                   node=cython.longlong, place=cython.longlong)
    cpdef prune(self, needed)
    cdef _free(self, long long node)
