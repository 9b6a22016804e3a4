//! Fleets to simulate.

use chrono::{DateTime, Utc};

use crate::options::{Options, ScenarioName};
use crate::world::World;

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
    let mut world = World::at(options.home(), options.rules());
    populate(&mut world, options, now)?;
    world.advance(now);
    Ok(world)
}

/// Adds the fleet that the options ask for to a world in which nothing has happened yet.
///
/// # Errors
/// Where a folder of records can't be read.
pub fn populate(world: &mut World, options: &Options, now: DateTime<Utc>) -> anyhow::Result<()> {
    let tag = (options.tag_key.as_str(), options.tag_value.as_str());
    match (&options.records, options.scenario) {
        (Some(folder), _) => recorded::populate(world, folder, now, tag)?,
        (None, ScenarioName::Showcase) => showcase::populate(world, now, tag),
        (None, ScenarioName::Field) => field::populate(world, now, tag),
        (None, ScenarioName::Random) => random::populate(world, now, tag, options.servers),
    }
    Ok(())
}

/// The tags of a server of the fleet.
#[must_use]
pub fn tags((key, value): (&str, &str), name: &str) -> Vec<(String, String)> {
    vec![("Name".to_owned(), name.to_owned()), (key.to_owned(), value.to_owned())]
}
