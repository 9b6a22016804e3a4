//! Random fleets, and what is told of them: the generators.
//!
//! Time is counted in ticks from the start of the month. How long a tick is differs from plan to plan, from a second, so
//! that changes fall into each other's tolerances, to six hours, so that a plan spans the month. Few ticks and many steps
//! make events meet in one tick often.

use proptest::collection::vec;
use proptest::prelude::*;
use uptime::{Month, Window};

/// Something that happens to servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Start,
    Stop,
    Terminate,
    Reboot,
    /// From inside the guest: no API call, so no CloudTrail record.
    GuestShutdown,
    /// Spot: EC2 takes the server back for good.
    Reclaim,
    /// Spot: EC2 stops the server, of which it leaves a record.
    Interrupt,
    /// EC2 starts a server again that it has stopped, of which it leaves none.
    Resume,
    /// Calls that EC2 refuses, whatever the servers' state.
    RefusedStart,
    RefusedStop,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Step {
    pub(crate) tick: i64,
    pub(crate) action: Action,
    /// One bit for each server: a call can be about several.
    pub(crate) targets: u8,
    /// How many ticks a stop takes.
    pub(crate) lag: i64,
    /// Whether EC2 then notes the time of the stop in `StateTransitionReason`.
    pub(crate) reason_has_time: bool,
}

/// `DescribeInstances`, by which all servers are seen.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sighting {
    pub(crate) tick: i64,
    pub(crate) with_launch_time: bool,
}

/// Until when the plan is carried out.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Now {
    Tick(i64),
    MonthStart,
    /// So many ticks after a step: often at once.
    AfterStep(prop::sample::Index, i64),
}

/// The lives of a fleet.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) month: Month,
    /// Seconds in a tick.
    pub(crate) tick: i64,
    /// When each server is launched.
    pub(crate) births: Vec<i64>,
    pub(crate) steps: Vec<Step>,
    pub(crate) sightings: Vec<Sighting>,
    now: Now,
}

impl Plan {
    pub(crate) fn now(&self) -> i64 {
        match self.now {
            Now::Tick(tick) => tick,
            Now::AfterStep(step, later) if !self.steps.is_empty() => (step.get(&self.steps).tick + later).max(0),
            Now::MonthStart | Now::AfterStep(..) => 0,
        }
    }

    pub(crate) fn instant(&self, tick: i64) -> chrono::DateTime<chrono::Utc> {
        self.month.start() + chrono::TimeDelta::seconds(tick * self.tick)
    }

    pub(crate) fn window(&self, (from, to): (i64, i64)) -> Window {
        Window::new(self.instant(from), self.instant(to))
    }

    /// The windows of a coverage as far as they lie before now, without the empty ones.
    pub(crate) fn until_now(&self, windows: &[(i64, i64)]) -> Vec<(i64, i64)> {
        let clipped = windows.iter().map(|(from, to)| (*from, (*to).min(self.now())));
        clipped.filter(|(from, to)| from < to).collect()
    }
}

/// Which of all true evidence is told, and in which order.
#[derive(Clone, Debug)]
pub(crate) struct Telling {
    /// From tick to tick, both included.
    pub(crate) windows: Vec<(i64, i64)>,
    /// How much of what may be lost is told, in percent.
    share: u8,
    dice: Dice,
    order: Dice,
}

#[derive(Clone)]
struct Dice(Vec<u8>);

impl Dice {
    fn at(&self, place: usize) -> u8 {
        self.0[place % self.0.len()]
    }
}

/// On one line, even where the rest of a failing case is not.
impl std::fmt::Debug for Dice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

impl Telling {
    /// The same under another coverage.
    pub(crate) fn over(self, windows: &[(i64, i64)]) -> Self {
        Self { windows: windows.to_vec(), ..self }
    }

    /// Whether the piece of evidence at this place is told.
    pub(crate) fn tells(&self, place: usize) -> bool {
        self.dice.at(place) < self.share
    }

    /// Brings anything into this telling's order.
    pub(crate) fn shuffle<T>(&self, items: &mut [T]) {
        for place in 1..items.len() {
            items.swap(place, usize::from(self.order.at(place)) % (place + 1));
        }
    }
}

/// Around the start of the month, mostly; time before it is the sweeps' lead.
const TICKS: std::ops::RangeInclusive<i64> = -60..=130;

/// One step, or a stop and a start, in either order, in one tick.
fn steps() -> impl Strategy<Value = Vec<Step>> {
    use Action::*;
    let often = prop_oneof![Just(Start), Just(Stop), Just(GuestShutdown)];
    let action = prop_oneof![6 => often, 1 => Just(Terminate), 1 => Just(Reboot), 1 => Just(Reclaim), 1 => Just(Interrupt), 1 => Just(Resume),
        1 => Just(RefusedStart), 1 => Just(RefusedStop)];
    let some = prop_oneof![5 => action.prop_map(|action| vec![action]), 1 => Just(vec![Stop, Start]),
        1 => Just(vec![Start, GuestShutdown])];
    // Clusters: a few ticks in which much happens.
    let tick = prop_oneof![2 => TICKS, 2 => -2..=3i64, 2 => 20..=25i64];
    let lag = prop_oneof![3 => Just(0i64), 1 => 1..4i64];
    (tick, some, 1..8u8, lag, any::<bool>()).prop_map(|(tick, actions, targets, lag, reason_has_time)| {
        let lag = if actions.len() > 1 { 0 } else { lag };
        actions.into_iter().map(|action| Step { tick, action, targets, lag, reason_has_time }).collect()
    })
}

pub(crate) fn plans() -> impl Strategy<Value = Plan> {
    let month = prop_oneof![Just("2025-10"), Just("2024-02"), Just("2025-12")].prop_map(|text| text.parse().unwrap());
    let tick = prop_oneof![Just(1i64), Just(8), Just(60), Just(300), Just(600), Just(3600), Just(21600)];
    // Most servers are older than any coverage.
    let births = prop_oneof![2 => -2000..=-300i64, 1 => TICKS];
    let sighting =
        (TICKS, prop::bool::weighted(0.8)).prop_map(|(tick, with_launch_time)| Sighting { tick, with_launch_time });
    let now = prop_oneof![
        4 => (0..=130i64).prop_map(Now::Tick),
        1 => Just(Now::MonthStart),
        2 => (any::<prop::sample::Index>(), 0..2i64).prop_map(|(step, later)| Now::AfterStep(step, later)),
    ];
    (month, tick, vec(births, 1..=3), vec(steps(), 0..25), vec(sighting, 0..5), now).prop_map(
        |(month, tick, births, steps, sightings, now)| {
            let steps = steps.concat();
            Plan { month, tick, births, steps, sightings, now }
        },
    )
}

pub(crate) fn windows() -> impl Strategy<Value = Vec<(i64, i64)>> {
    let some = vec((-80..80i64, 0..30i64).prop_map(|(from, length)| (from, from + length)), 0..6);
    // A short gap where much happens: behind the watermark, or between two sweeps.
    let gap = (-4..26i64, 2..4i64).prop_map(|(from, length)| vec![(-80, from), (from + length, 1000)]);
    let since = (-80..=0i64).prop_map(|from| vec![(from, 1000)]);
    prop_oneof![3 => some, 2 => gap, 2 => since, 1 => Just(vec![(-3000, 1000)])]
}

pub(crate) fn tellings() -> impl Strategy<Value = Telling> {
    let share = prop_oneof![Just(0u8), Just(20), Just(50), Just(90), Just(100)];
    (windows(), share, vec(0..100u8, 31), vec(any::<u8>(), 23)).prop_map(|(windows, share, dice, order)| Telling {
        windows,
        share,
        dice: Dice(dice),
        order: Dice(order),
    })
}
