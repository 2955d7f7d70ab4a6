//! `easyai ledger verify`: whether the books are right.

use easyai_store::verify;
use serde::Serialize;

use super::open::open;
use super::out::Out;
use super::verdict::Verdict;
use crate::config::Config;

#[derive(Serialize)]
struct ReportView {
    clean: bool,
    wallets: u64,
    entries: u64,
    tasks: u64,
    findings: Vec<String>,
}

/// Looks at the whole database.
///
/// # Errors
/// If it can't be read to the end.
pub async fn verify(config: &Config, out: &Out) -> anyhow::Result<Verdict> {
    let (db, _vault) = open(config).await?;
    let report = verify::verify(&db).await?;
    let clean = report.is_clean();
    let view = ReportView { clean, wallets: report.wallets, entries: report.entries, tasks: report.tasks, findings: report.findings };
    out.show(&view, |view| {
        let looked = format!("{} wallets, {} entries, {} tasks", view.wallets, view.entries, view.tasks);
        let findings = view.findings.iter().map(|finding| format!("\n- {finding}")).collect::<String>();
        if view.clean {
            out.paint.green(&format!("the ledger is clean: {looked}"))
        } else {
            out.paint.red(&format!("the ledger is wrong ({looked}):{findings}"))
        }
    })?;
    Ok(if clean { Verdict::Good } else { Verdict::Bad })
}
