cimport cython

cpdef numbers(array)
cpdef longer(old, long long size, fill=*)

@cython.final
cdef class Stack:
    cdef readonly long long count
    cdef long long[::1] _items

    cpdef clear(self)
    cpdef push(self, long long number)
    cpdef long long pop(self) noexcept
    cpdef array(self)
