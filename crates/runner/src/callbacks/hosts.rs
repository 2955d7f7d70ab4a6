//! How many callbacks are on their way, all together and to each host: a slow or dead receiver takes little of what others need.

use std::collections::HashMap;
use std::sync::Arc;

/// Callbacks on their way at once. Each is a connection and at most a few kilobytes.
const MAX_SENDING: usize = 128;

/// To one host: enough for a fast receiver (a hundred a second at 80 ms), few enough that sixteen slow ones fit beside one another.
const MAX_OF_HOST: u32 = 8;

/// To one that last did not answer, until it does: dead receivers cost time-outs, and a hundred of them must not stop the others.
const MAX_OF_FAILING: u32 = 1;

/// Hosts that are remembered as failing. Beyond this they are forgotten, and cost a few more time-outs.
const MAX_KNOWN: usize = 10_000;

/// What is on its way.
#[derive(Debug, Default)]
pub(super) struct Hosts {
    known: HashMap<Arc<str>, Host>,
    sending: usize,
}

#[derive(Debug, Clone, Copy, Default)]
struct Host {
    sending: u32,
    failing: bool,
}

impl Host {
    const fn is_full(self) -> bool {
        self.sending >= if self.failing { MAX_OF_FAILING } else { MAX_OF_HOST }
    }
}

impl Hosts {
    /// Takes a place for a callback to `host`; false if there is none.
    pub(super) fn take(&mut self, host: &Arc<str>) -> bool {
        if !self.has_room() || self.known.get(host).is_some_and(|host| host.is_full()) {
            return false;
        }
        self.known.entry(Arc::clone(host)).or_default().sending += 1;
        self.sending += 1;
        true
    }

    /// Gives it back. `answered`: whether the host answered; none if it was not asked.
    pub(super) fn give_back(&mut self, host: &Arc<str>, answered: Option<bool>) {
        let Some(known) = self.known.get_mut(host) else { return };
        known.sending = known.sending.saturating_sub(1);
        known.failing = answered.map_or(known.failing, |answered| !answered);
        self.sending = self.sending.saturating_sub(1);
        if known.sending == 0 && !known.failing {
            self.known.remove(host);
        }
        if self.known.len() > MAX_KNOWN {
            self.known.retain(|_, host| host.sending > 0);
        }
    }

    /// Whether anything more may be sent at all.
    pub(super) const fn has_room(&self) -> bool {
        self.sending < MAX_SENDING
    }

    /// The hosts to which nothing more may be sent now, as a JSON array.
    pub(super) fn full(&self) -> String {
        let full: Vec<&str> = self.known.iter().filter(|(_, host)| host.is_full()).map(|(name, _)| &**name).collect();
        // Text can't fail to be written.
        serde_json::to_string(&full).unwrap_or_else(|_| "[]".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(name: &str) -> Arc<str> {
        Arc::from(name)
    }

    #[test]
    fn a_host_takes_no_more_than_its_share() {
        let mut hosts = Hosts::default();
        let taken = (0..20).filter(|_| hosts.take(&host("a:443"))).count();
        assert_eq!((taken, hosts.full().as_str()), (8, r#"["a:443"]"#));
        assert!(hosts.take(&host("b:443")));
        hosts.give_back(&host("a:443"), Some(true));
        assert!(hosts.take(&host("a:443")) && !hosts.take(&host("a:443")));
    }

    #[test]
    fn one_that_does_not_answer_gets_one_at_a_time_until_it_does() {
        let mut hosts = Hosts::default();
        let dead = host("dead:443");
        assert!(hosts.take(&dead));
        hosts.give_back(&dead, Some(false));
        assert!(hosts.take(&dead) && !hosts.take(&dead));
        hosts.give_back(&dead, None);
        assert!(hosts.take(&dead) && !hosts.take(&dead));
        hosts.give_back(&dead, Some(true));
        assert_eq!((0..20).filter(|_| hosts.take(&dead)).count(), 8);
    }

    #[test]
    fn many_dead_receivers_leave_room_for_a_living_one() {
        let mut hosts = Hosts::default();
        let dead: Vec<Arc<str>> = (0..100).map(|number| host(&format!("dead-{number}:443"))).collect();
        for dead in &dead {
            assert!(hosts.take(dead));
            hosts.give_back(dead, Some(false));
        }
        for dead in &dead {
            while hosts.take(dead) {}
        }
        assert!(hosts.take(&host("alive:443")));
    }

    #[test]
    fn nothing_is_kept_of_hosts_that_answer() {
        let mut hosts = Hosts::default();
        for number in 0..1_000 {
            let host = host(&format!("h{number}:443"));
            assert!(hosts.take(&host));
            hosts.give_back(&host, Some(true));
        }
        assert!(hosts.known.is_empty() && hosts.sending == 0);
    }
}
