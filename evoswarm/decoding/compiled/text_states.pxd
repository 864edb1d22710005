cimport cython
from evoswarm.decoding.compiled.arrays cimport Stack, longer, numbers
from evoswarm.decoding.compiled.int_map cimport IntMap

@cython.final
cdef class TextStates:
    cdef public int[::1] branch
    cdef public int[::1] split
    cdef public int[::1] tail
    cdef public unsigned char[::1] spelled
    cdef public int[::1] depth
    cdef public int[::1] link
    cdef public int[::1] first_path
    cdef public int[::1] paths
    cdef public long long[::1] begin
    cdef public int[::1] tokens
    cdef object _grow
    cdef object _paths_of
    cdef object _spells
    cdef const unsigned char[::1] _last
    cdef const unsigned char[::1] _first
    cdef const unsigned char[::1] _apart
    cdef long long _bits
    cdef IntMap _moves
    cdef Stack _way
    cdef IntMap _tails
    cdef long long _tail_count
    cdef long long _path_count
    cdef long long _token_count
    cdef int[::1] _before
    cdef int[::1] _symbol
    cdef signed char[::1] _spells_tail

    cpdef forget(self, long long contexts)
    cpdef _forget_tails(self)
    cpdef make_room(self, long long contexts)
    @cython.locals(asked="const long long[::1]", above="const long long[::1]", newest="const int[::1]",
                   length="const int[::1]", way=Stack, place=cython.longlong, one=cython.longlong,
                   here=cython.longlong, before=cython.longlong, symbol=cython.longlong)
    cpdef find(self, contexts, parents, last, symbols)
    @cython.locals(found=cython.longlong)
    cdef int _move(self, long long branch, long long symbol) except -1
    @cython.locals(tried=list, found=cython.longlong, grown=cython.longlong, one=cython.longlong)
    cdef int _find_move(self, long long branch, long long symbol) except -1
    @cython.locals(key=cython.longlong, found=cython.longlong)
    cdef int _longer(self, long long tail, long long symbol) except -1
    @cython.locals(tail=cython.longlong, found=cython.longlong)
    cdef int _is_spelled(self, long long context) except -1
    @cython.locals(found=list)
    cpdef list symbols_of(self, long long tail)
    @cython.locals(token=cython.longlong)
    cpdef find_paths(self, long long tail)
