//! Fleets to simulate.

use chrono::{DateTime, Utc};

use crate::options::{Options, ScenarioName};
use crate::world::{Rules, World};

pub mod field;
pub mod random;
pub mod recorded;
pub mod showcase;
mod stage;

/// The fleet that the options ask for, with everything that has happened in it up to `now`.
///
/// # Errors
/// Where a folder of records can't be read.
pub fn build(options: &Options, now: DateTime<Utc>) -> anyhow::Result<World> {
    build_with(options, options.rules(), now)
}

/// The same with other rules, such as another account's.
///
/// # Errors
/// Where a folder of records can't be read.
pub fn build_with(options: &Options, rules: Rules, now: DateTime<Utc>) -> anyhow::Result<World> {
    let mut world = World::new(rules);
    let tag = (options.tag_key.as_str(), options.tag_value.as_str());
    match (&options.records, options.scenario) {
        (Some(folder), _) => recorded::populate(&mut world, folder, now, tag)?,
        (None, ScenarioName::Showcase) => showcase::populate(&mut world, now, tag),
        (None, ScenarioName::Field) => field::populate(&mut world, now, tag),
        (None, ScenarioName::Random) => random::populate(&mut world, now, tag, options.servers),
    }
    world.advance(now);
    Ok(world)
}

/// The tags of a server of the fleet.
#[must_use]
pub fn tags((key, value): (&str, &str), name: &str) -> Vec<(String, String)> {
    vec![("Name".to_owned(), name.to_owned()), (key.to_owned(), value.to_owned())]
}
