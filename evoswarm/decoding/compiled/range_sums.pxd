cimport cython
from evoswarm.decoding.compiled.arrays cimport numbers

@cython.locals(held="const float[:, ::1]", at="const long long[::1]", begin="const long long[::1]",
               end="const long long[::1]", found="double[::1]", place=cython.longlong)
cpdef range_sums(table, long long width, rows, low, high)

@cython.locals(held="const float[:, ::1]", may="const unsigned char[:, ::1]", row="const long long[::1]",
               branch="const long long[::1]", mass="const double[::1]", owner="const long long[::1]",
               begins="const long long[::1]", ranges="const long long[:, ::1]", sums="double[:, ::1]",
               totals="double[::1]", end=cython.longlong, head=cython.longlong, to=cython.longlong,
               at=cython.longlong, times=cython.double, place=cython.longlong, symbol=cython.longlong,
               share=cython.double)
cpdef sums_by_symbol(table, long long width, tuple heads, tuple following, allowed)

@cython.locals(first=cython.longlong, last=cython.longlong, total=cython.double, place=cython.longlong)
cdef double _sum(const float[:, ::1] table, long long row, long long width, long long low, long long high) noexcept
