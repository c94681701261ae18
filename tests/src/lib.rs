//! Support code of the end-to-end, boundary and tidy tests.
