//! What a limiter in memory had counted, over a restart.

use easyai_store::limit_state;
use easyai_store::testing::TestDb;
use easyai_store::testing::TestEngine::{self, Postgres, Sqlite};
use rstest::rstest;

#[rstest]
#[tokio::test]
async fn what_a_limiter_counted_is_kept_until_it_is_forgotten(#[values(Sqlite, Postgres)] engine: TestEngine) {
    let test = TestDb::new(engine).await;
    assert_eq!(limit_state::load(&test.db).await, Ok(None));
    limit_state::save(&test.db, "{\"a\":1}").await.unwrap();
    limit_state::save(&test.db, "{\"a\":2}").await.unwrap();
    let saved = limit_state::load(&test.db).await.unwrap().unwrap();
    assert_eq!(saved.state, "{\"a\":2}");
    assert!(saved.saved_at <= easyai_store::now());
    limit_state::clear(&test.db).await.unwrap();
    assert_eq!(limit_state::load(&test.db).await, Ok(None));
}
