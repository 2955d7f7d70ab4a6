//! Any order of events: an upstream never sees more than the limit in any sliding minute, and what was taken is given back.

use easyai_core::limit::{LimitKind, Refused};
use easyai_limits::{Claim, LANDS_WITHIN, Taken};
use proptest::prelude::{Just, Strategy, prop_oneof};
use proptest::proptest;
use proptest::test_runner::TestCaseError;

use crate::world::{World, claim, key, millis, platform, tokens};

const REQUESTS: u64 = 20;
const TOKENS: u64 = 1_000;
const SLOTS: usize = 6;
const MINUTE: i64 = 60_000_000;

#[derive(Debug, Clone)]
enum Step {
    Take {
        tokens: u64,
    },
    Turn {
        millis: u64,
    },
    Landed {
        which: usize,
    },
    /// With a part of the estimate, in percent.
    Commit {
        which: usize,
        part: u64,
    },
    Drop {
        which: usize,
    },
    NotSent {
        which: usize,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let which = || 0..SLOTS;
    prop_oneof![
        6 => (1..100_u64).prop_map(|tokens| Step::Take { tokens }),
        // Short and long, and what would just fit.
        4 => prop_oneof![0..300_u64, 0..9_000_u64, Just(57_900), Just(58_000), Just(60_000), Just(62_000)].prop_map(|millis| Step::Turn { millis }),
        2 => which().prop_map(|which| Step::Landed { which }),
        3 => (which(), 0..=100_u64).prop_map(|(which, part)| Step::Commit { which, part }),
        3 => which().prop_map(|which| Step::Drop { which }),
        1 => which().prop_map(|which| Step::NotSent { which }),
    ]
}

/// A call as the upstream may see it.
struct Call {
    taken: Taken,
    at: i64,
    landed: Option<i64>,
    estimate: u64,
    real: Option<u64>,
}

/// A call that the upstream had at a moment between `first` and `last`.
struct Seen {
    first: i64,
    last: i64,
    tokens: u64,
}

struct Model {
    world: World,
    claims: Vec<Claim>,
    calls: Vec<Call>,
    seen: Vec<Seen>,
}

impl Model {
    fn new() -> Self {
        let limits = format!(r#"{{"requests_per_minute": {REQUESTS}, "tokens_per_minute": {TOKENS}, "concurrent": {SLOTS}}}"#);
        let claims = vec![claim(key(1), "{}"), claim(platform(1), &limits)];
        Self { world: World::new(), claims, calls: Vec::new(), seen: Vec::new() }
    }

    fn act(&mut self, step: &Step) -> Result<(), TestCaseError> {
        let now = self.world.now();
        match *step {
            Step::Take { tokens: estimate } => match self.world.limits.take(&self.claims, tokens(estimate)) {
                Ok(taken) => self.calls.push(Call { taken, at: now, landed: None, estimate, real: None }),
                Err(refused) => self.refused(&refused, estimate)?,
            },
            Step::Turn { millis: time } => self.world.turn(millis(time)),
            Step::Landed { which } => self.calls.get_mut(which).into_iter().for_each(|call| {
                call.taken.landed();
                call.landed.get_or_insert(now);
            }),
            Step::Commit { which, part } => self.calls.get_mut(which).into_iter().for_each(|call| {
                let real = *call.real.get_or_insert(call.estimate * part / 100);
                call.taken.commit(tokens(real));
                call.landed.get_or_insert(now);
            }),
            Step::Drop { which } if which < self.calls.len() => self.end(which),
            Step::NotSent { which } if self.calls.get(which).is_some_and(|call| call.landed.is_none()) => {
                self.calls.remove(which).taken.not_sent()
            }
            Step::Drop { .. } | Step::NotSent { .. } => (),
        }
        let under_way = usize::try_from(self.world.limits.in_flight(platform(1))).unwrap();
        proptest::prop_assert!(under_way == self.calls.len() && under_way <= SLOTS);
        Ok(())
    }

    fn end(&mut self, which: usize) {
        let Call { taken, at, landed, real, .. } = self.calls.remove(which);
        let last = landed.unwrap_or_else(|| self.world.now()).min(at + i64::try_from(LANDS_WITHIN.as_micros()).unwrap());
        drop(taken);
        self.seen.push(Seen { first: at, last, tokens: real.unwrap_or(0) });
    }

    /// A refusal is right, and its time is exact.
    fn refused(&self, refused: &Refused, asked: u64) -> Result<(), TestCaseError> {
        let used = self.world.used(&self.claims[1], refused.kind);
        let asked = if refused.kind == LimitKind::TokensPerMinute { asked } else { 1 };
        proptest::prop_assert!(used + asked > refused.limit, "{refused:?} with {used} used");
        proptest::prop_assert_eq!(refused.retry_after.is_none(), refused.kind == LimitKind::Concurrent);
        Ok(())
    }

    /// Whenever within its bounds each call arrived, no minute has more than the limit: the worst is that some arrive late and those
    /// after them early, so it is enough to look at all pairs of such a late one and the end of a minute.
    fn check(&self) -> Result<(), TestCaseError> {
        for start in self.seen.iter().map(|seen| seen.last) {
            // Those that may have arrived within [start, start + 60 s].
            let within = || self.seen.iter().filter(|seen| seen.last >= start && seen.first <= start + MINUTE);
            let used: u64 = within().map(|seen| seen.tokens).sum();
            proptest::prop_assert!(within().count() as u64 <= REQUESTS && used <= TOKENS, "{} calls, {used} tokens", within().count());
        }
        Ok(())
    }
}

proptest! {
    #[test]
    fn an_upstream_never_sees_more_than_the_limit_in_any_minute(steps in proptest::collection::vec(step(), 1..400)) {
        let mut model = Model::new();
        for step in &steps {
            model.act(step)?;
        }
        while !model.calls.is_empty() {
            model.end(0);
        }
        model.check()?;
        proptest::prop_assert_eq!((model.world.limits.in_flight(platform(1)), model.world.limits.in_flight(key(1))), (0, 0));
        model.world.seconds(63);
        proptest::prop_assert!(model.world.limits.snapshot().is_empty(), "nothing is left");
    }

    #[test]
    fn a_refusal_says_exactly_when_there_will_be_room(asks in proptest::collection::vec((1..60_u64, 0..3_000_u64), 20..80)) {
        let world = World::new();
        let claims = [claim(key(1), r#"{"requests_per_minute": 15, "tokens_per_minute": 300}"#)];
        for (ask, pause) in asks {
            world.turn(millis(pause));
            while let Err(refused) = world.limits.check(&claims, tokens(ask)) {
                world.turn(refused.retry_after.unwrap() - std::time::Duration::from_micros(1));
                proptest::prop_assert_eq!(world.limits.check(&claims, tokens(ask)).map_err(|again| again.kind), Err(refused.kind));
                world.turn(std::time::Duration::from_micros(1));
                let kind = world.limits.check(&claims, tokens(ask)).map_err(|again| again.kind);
                proptest::prop_assert_ne!(kind, Err(refused.kind));
            }
            let mut taken = world.limits.take(&claims, tokens(ask)).unwrap();
            taken.commit(tokens(ask));
        }
    }
}
