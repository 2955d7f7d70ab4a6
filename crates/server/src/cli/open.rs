//! placeholder
pub async fn open(c: &crate::config::Config) -> anyhow::Result<(easyai_store::Db, easyai_store::vault::Vault)> { let db = easyai_store::Db::open(&c.database).await?; let v = easyai_store::vault::Vault::open(&c.data_dir, c.master_key.as_ref())?; Ok((db, v)) }
