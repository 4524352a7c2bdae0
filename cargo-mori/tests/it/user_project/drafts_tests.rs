//! A test whose snapshot was never reviewed.

#[mori::test]
async fn lists_accounts(client: tokio_postgres::Client) {
    let rows = client.query("SELECT owner FROM accounts ORDER BY id", &[]).await.expect("a table of prod");
    let owners: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    insta::assert_snapshot!(owners.join(", "));
}
