//! A month as the hourly run keeps it: CloudTrail read whole up to each look at the server, and of a look what is worth it.

use proptest::prelude::*;
use uptime::{Certainty, Evidence, InstanceState, Month, ServerMonth, Source, Timeline};

use crate::plan::{Plan, plans, tellings};
use crate::reference_model::{Change, Server};
use crate::says;
use crate::told::{coverage, told};

/// What a look left: the timeline as of it, and its tick.
struct Look {
    timeline: Timeline,
    tick: i64,
    /// Whether the server was shown as neither running nor about to.
    stopped: bool,
}

/// Ticks of the month before this one.
fn ticks(plan: &Plan, until: i64) -> impl Iterator<Item = i64> {
    (0..until).filter(|tick| Month::of(plan.instant(*tick)) == plan.month)
}

fn started(server: &Server, from: i64, to: i64) -> bool {
    server.changes.iter().any(|(tick, change)| *change == Change::Start && from <= *tick && *tick <= to)
}

proptest! {
    #![proptest_config(crate::config())]

    #[test]
    fn no_look_widens_what_the_looks_before_it_left(plan in plans(), telling in tellings()) {
        // Every start is told; stops may be lost.
        let telling = telling.over(&[(-3000, 1000)]);
        crate::for_each(&plan, |server, all| {
            let (told, _) = told(&plan, all, &telling);
            let told: Vec<Evidence> = told.into_iter().map(|piece| piece.evidence).collect();
            let mut month = ServerMonth::new(server.id.clone(), plan.month);
            let mut before: Option<Look> = None;
            for tick in 0..=plan.now() {
                let at = plan.instant(tick);
                let Some(look) = server.observations.iter().find(|look| look.observed_at == at) else { continue };
                let known = told.iter().filter(|told| told.at <= at && told.source != Source::Ec2).cloned();
                month.learn(known, &coverage(&plan, &[(-3000, tick)]));
                month.see(look);
                let timeline = month.timeline(at);
                for tick in ticks(&plan, tick) {
                    let is = says(&plan, &timeline, tick);
                    let ran = server.ran_in(tick);
                    let true_of_it = if ran { is.is_some() } else { is != Some(Certainty::Proven) };
                    prop_assert!(true_of_it, "{tick} is {is:?}, and it ran: {ran}; {month:?}");
                    if let Some(before) = before.as_ref().filter(|before| tick < before.tick) {
                        let was = says(&plan, &before.timeline, tick);
                        let narrower = was == is || was == Some(Certainty::Possible);
                        prop_assert!(narrower, "{tick} was {was:?}, is {is:?}; {month:?}");
                    }
                }
                // Starts are all told but those that EC2 makes by itself: of a server that was stopped and not started
                // since, nothing is open.
                let quiet = |before: &Look| before.stopped && !started(server, before.tick, tick);
                if let Some(before) = before.filter(|before| quiet(before) && !server.was_interrupted) {
                    for tick in ticks(&plan, tick).filter(|tick| before.tick <= *tick) {
                        prop_assert!(says(&plan, &timeline, tick).is_none(), "{tick} is open; {month:?}");
                    }
                }
                let stopped = !matches!(look.state, InstanceState::Pending | InstanceState::Running);
                before = Some(Look { timeline, tick, stopped });
            }
            Ok(())
        })?;
    }
}
