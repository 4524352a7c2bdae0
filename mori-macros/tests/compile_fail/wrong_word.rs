#[mori_macros::test(
    isolation = "copy",
    timeout = "soon",
)]
async fn refund(#[mori(database = "cache")] db: mori::Db) {}

fn main() {}
