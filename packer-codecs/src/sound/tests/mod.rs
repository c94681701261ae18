//! Tests of the kind `sound`.
