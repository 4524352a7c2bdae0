#[mori_macros::test(migrator = "crate::MIGRATOR")]
async fn refund(db: mori::Db) {}

fn main() {}
