#[mori_macros::test(fixture("users"), tiemout = "30s")]
async fn refund(db: mori::Db) {}

fn main() {}
