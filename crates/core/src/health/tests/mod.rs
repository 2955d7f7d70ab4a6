//! What happens to candidates, told as stories.

use std::time::Duration;

use super::world::{THREE_IN_TEN, World, at, breaker, credential, shown};
use super::{Condition, Disabled, Effects, Failed, HealthBook, Subject};
use crate::failure::{Category, Failure, Sent};
use crate::kind::ModelType;
use crate::policy::{Remedy, Scope};

mod breaker;
mod durable;
mod probed;
mod remedies;
