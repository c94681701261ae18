//! For tests: lists of every variant of an enum, which cannot miss one. Used by the tests in the crate and beside it.

/// Every variant of an enum whose variants have no fields. A variant that is not named does not compile.
macro_rules! every {
    ($of:ident: $($variant:ident),+ $(,)?) => {{
        let _named: fn($of) = |it| match it {
            $($of::$variant => (),)+
        };
        [$($of::$variant),+]
    }};
}
