#[mori_macros::test]
async fn refund() {}

fn main() {}
