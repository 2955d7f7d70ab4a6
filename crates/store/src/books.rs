//! The books that entries move money between. Every entry moves one amount from one book to another, so together they always balance;
//! one of the two is the account's wallet.

use easyai_core::ledger::EntryKind;

/// The account's own money.
pub const WALLET: &str = "wallet";
/// Money that came in from outside.
pub const FUNDING: &str = "funding";
/// What was earned.
pub const REVENUE: &str = "revenue";
/// What a person put right, for the wallet or against it.
pub const CORRECTION: &str = "correction";

/// From which book (debit) to which (credit) an entry of this kind moves money. An adjustment against the wallet goes the other way.
#[must_use]
pub const fn of(kind: EntryKind) -> (&'static str, &'static str) {
    match kind {
        EntryKind::TopUp => (FUNDING, WALLET),
        EntryKind::Charge => (WALLET, REVENUE),
        EntryKind::Refund => (REVENUE, WALLET),
        EntryKind::Adjustment => (CORRECTION, WALLET),
    }
}
