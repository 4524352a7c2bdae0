//! What the compiler shows for misuse: the text and the place it points at.

#[test]
fn misuse_points_at_the_users_line() {
    trybuild::TestCases::new().compile_fail("tests/compile_fail/*.rs");
}
