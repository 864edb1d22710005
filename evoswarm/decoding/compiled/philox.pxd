cimport cython
from evoswarm.decoding.compiled.arrays cimport numbers

@cython.locals(key="const unsigned long long[::1]", at="const unsigned long long[::1]",
               which="const unsigned long long[:, ::1]", made="double[:, ::1]", whose=cython.longlong,
               row=cython.longlong, place=cython.longlong, c0=cython.ulonglong, c1=cython.ulonglong,
               c2=cython.ulonglong, c3=cython.ulonglong, k0=cython.ulonglong, k1=cython.ulonglong,
               low=cython.ulonglong, times=cython.ulonglong, others=cython.ulonglong,
               step=cython.ulonglong, next_step=cython.ulonglong, first=cython.ulonglong, second=cython.ulonglong)
cpdef draw(keys, positions, symbols, unsigned long long drawn, found)
