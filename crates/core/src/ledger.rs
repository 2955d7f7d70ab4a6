//! Wallets, holds and entries: which holds fit, what a settlement books, and what must always be equal. Pure: the store reads the
//! rows, decides here, and writes the results in one transaction.

use crate::money::{Money, Overflow};

crate::words! {
    /// Why money moved. Entries are only ever added.
    pub enum EntryKind as "entry kind" {
        /// Money came in.
        TopUp = "top_up",
        /// A task was charged.
        Charge = "charge",
        /// A charge was given back, all or in part.
        Refund = "refund",
        /// A person put something right.
        Adjustment = "adjustment",
    }
}

/// An account's money: what it has, and how much of it is set aside for running tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Wallet {
    /// The sum of its entries. Below zero only by what answers exceeded their holds.
    pub balance: Money,
    /// The sum of the holds of its unfinished tasks.
    pub held: Money,
}

/// The wallet can't cover a hold. Nothing was set aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the wallet has {available} available, this request may cost {needed}: top up, or lower the allowed output")]
pub struct InsufficientBalance {
    /// What is neither spent nor held.
    pub available: Money,
    /// What was to be held.
    pub needed: Money,
}

impl Wallet {
    /// What can still be held: the balance without what is held already.
    #[must_use]
    pub fn available(&self) -> Money {
        Money::from_nanos(self.balance.nanos().saturating_sub(self.held.nanos()))
    }

    /// Sets `amount` aside. Nothing at all always fits, so a free model works on an empty wallet.
    ///
    /// # Errors
    /// [`InsufficientBalance`] if less than `amount` is available.
    pub fn hold(&mut self, amount: Money) -> Result<Hold, InsufficientBalance> {
        let mut hold = Hold { amount: Money::ZERO };
        hold.extend(self, amount)?;
        Ok(hold)
    }

    /// Ends a hold: its money is free again, and the charge is gone.
    ///
    /// # Errors
    /// [`Overflow`] beyond nine billion units; nothing has changed then.
    pub fn book(&mut self, settlement: Settlement) -> Result<(), Overflow> {
        let balance = self.balance.minus(settlement.charged)?;
        self.held = self.held.minus(settlement.released)?;
        self.balance = balance;
        Ok(())
    }
}

/// Money set aside for a task. It ends exactly once: both endings consume it.
#[must_use = "a hold that is neither settled nor released locks the caller's money"]
#[derive(Debug, PartialEq, Eq)]
pub struct Hold {
    amount: Money,
}

impl Hold {
    /// The hold of an unfinished task, as it was stored.
    pub const fn stored(amount: Money) -> Self {
        Self { amount }
    }

    /// How much is set aside.
    #[must_use]
    pub const fn amount(&self) -> Money {
        self.amount
    }

    /// Sets aside more, for a dearer candidate or a long answer, until the hold is `total`. Never lowers it.
    ///
    /// # Errors
    /// [`InsufficientBalance`] if the difference is not available; the hold is as before then.
    pub fn extend(&mut self, wallet: &mut Wallet, total: Money) -> Result<(), InsufficientBalance> {
        let available = wallet.available();
        let insufficient = |needed| InsufficientBalance { available, needed };
        let more = total.minus(self.amount).map_err(|Overflow| insufficient(total))?;
        if !more.is_positive() {
            return Ok(());
        }
        if available < more {
            return Err(insufficient(more));
        }
        wallet.held = wallet.held.plus(more).map_err(|Overflow| insufficient(more))?;
        self.amount = total;
        Ok(())
    }

    /// Books the real charge, which may exceed the hold: an answer can be longer than its estimate.
    pub const fn settle(self, charged: Money) -> Settlement {
        Settlement { released: self.amount, charged }
    }

    /// Gives it all back.
    pub const fn release(self) -> Settlement {
        Settlement { released: self.amount, charged: Money::ZERO }
    }
}

/// How a hold ended.
#[must_use = "a settlement that is not booked locks the caller's money"]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settlement {
    /// What is no longer held.
    pub released: Money,
    /// What was spent.
    pub charged: Money,
}

/// Something in the books that must not be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Discrepancy {
    /// The balance is not the sum of the entries.
    #[error("the balance is {balance}, but its entries add up to {entries}")]
    Balance {
        /// What the wallet says.
        balance: Money,
        /// What its entries say.
        entries: Money,
    },
    /// What is held is not the sum of the holds.
    #[error("{held} is held, but the holds of unfinished tasks add up to {holds}")]
    Held {
        /// What the wallet says.
        held: Money,
        /// What its tasks say.
        holds: Money,
    },
    /// Less than nothing is held.
    #[error("{held} is held, which is less than nothing")]
    NegativeHeld {
        /// What the wallet says.
        held: Money,
    },
    /// An entry moves money the wrong way.
    #[error("a {kind} of {amount} has the wrong sign")]
    Sign {
        /// The entry's kind.
        kind: EntryKind,
        /// Its amount.
        amount: Money,
    },
}

/// What is wrong with a wallet, given the sums of its entries and of the holds of its unfinished tasks.
#[must_use]
pub fn check_wallet(balance: Money, held: Money, sum_entries: Money, sum_holds: Money) -> Vec<Discrepancy> {
    let mut found = Vec::new();
    if balance != sum_entries {
        found.push(Discrepancy::Balance { balance, entries: sum_entries });
    }
    if held != sum_holds {
        found.push(Discrepancy::Held { held, holds: sum_holds });
    }
    if held < Money::ZERO {
        found.push(Discrepancy::NegativeHeld { held });
    }
    found
}

/// What is wrong with an entry: top-ups and refunds bring money, charges take it.
#[must_use]
pub fn check_entry(kind: EntryKind, amount: Money) -> Option<Discrepancy> {
    let fits = match kind {
        EntryKind::TopUp | EntryKind::Refund => amount >= Money::ZERO,
        EntryKind::Charge => amount <= Money::ZERO,
        EntryKind::Adjustment => true,
    };
    (!fits).then_some(Discrepancy::Sign { kind, amount })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn money(nanos: i64) -> Money {
        Money::from_nanos(nanos)
    }

    #[test]
    fn holds_never_add_up_to_more_than_the_balance() {
        let mut wallet = Wallet { balance: money(100), held: Money::ZERO };
        let first = wallet.hold(money(60)).unwrap();
        assert_eq!(wallet.hold(money(41)), Err(InsufficientBalance { available: money(40), needed: money(41) }));
        let second = wallet.hold(money(40)).unwrap();
        assert_eq!(wallet.available(), Money::ZERO);
        wallet.book(first.settle(money(70))).unwrap();
        wallet.book(second.release()).unwrap();
        assert_eq!(wallet, Wallet { balance: money(30), held: Money::ZERO });
    }

    #[test]
    fn a_hold_grows_only_by_what_is_available() {
        let mut wallet = Wallet { balance: money(100), held: Money::ZERO };
        let mut hold = wallet.hold(money(60)).unwrap();
        hold.extend(&mut wallet, money(50)).unwrap();
        assert_eq!(hold.amount(), money(60));
        hold.extend(&mut wallet, money(90)).unwrap();
        assert_eq!(hold.extend(&mut wallet, money(101)), Err(InsufficientBalance { available: money(10), needed: money(11) }));
        assert_eq!((hold.amount(), wallet.held), (money(90), money(90)));
        wallet.book(hold.release()).unwrap();
        assert_eq!(wallet.held, Money::ZERO);
    }

    #[test]
    fn nothing_fits_on_an_overdrawn_wallet_but_nothing() {
        let mut wallet = Wallet { balance: money(-5), held: Money::ZERO };
        assert!(wallet.hold(money(1)).is_err());
        wallet.book({ wallet }.hold(Money::ZERO).unwrap().release()).unwrap();
    }

    #[test]
    fn a_settlement_that_overflows_changes_nothing() {
        let mut wallet = Wallet { balance: money(i64::MIN), held: money(5) };
        assert!(wallet.book(Hold::stored(money(5)).settle(money(1))).is_err());
        assert_eq!(wallet.held, money(5));
    }

    #[test]
    fn every_discrepancy_is_found_and_told() {
        assert!(check_wallet(money(5), money(1), money(5), money(1)).is_empty());
        let found = check_wallet(money(5), money(-1), money(6), money(0));
        let told: Vec<String> = found.iter().map(ToString::to_string).collect();
        assert_eq!(told.len(), 3);
        assert_eq!(told[0], "the balance is 0.000000005, but its entries add up to 0.000000006");
        assert!(check_entry(EntryKind::Charge, money(1)).is_some() && check_entry(EntryKind::TopUp, money(-1)).is_some());
        assert!(check_entry(EntryKind::Adjustment, money(-1)).is_none() && check_entry(EntryKind::Charge, money(-1)).is_none());
    }
}
