cimport cython
from evoswarm.decoding.compiled.arrays cimport numbers

@cython.final
cdef class IntMap:
    cdef readonly long long count
    cdef long long _mask
    cdef long long[::1] _keys
    cdef long long[::1] _values

    cpdef clear(self)
    cdef _make(self, long long size)
    cpdef long long get(self, long long key) noexcept
    @cython.locals(place=cython.longlong)
    cpdef put(self, long long key, long long value)
    @cython.locals(place=cython.longlong)
    cdef long long _place(self, long long key) noexcept
    @cython.locals(keys="long long[::1]", values="long long[::1]", old=cython.longlong, place=cython.longlong)
    cdef _grow(self)
