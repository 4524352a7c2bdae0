//! A bank of three customers, whose tests do all that a test can do.

#[cfg(feature = "broken")]
compile_error!("the feature `broken` was asked for");

#[cfg(test)]
mod tests {
    #[test]
    fn adds_up() {
        assert_eq!(25 + 30, 55);
    }
}
