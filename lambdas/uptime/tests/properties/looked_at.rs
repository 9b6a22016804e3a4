//! A month as the hourly run keeps it: CloudTrail read whole up to each look at the server, and of a look what is worth it.

use proptest::prelude::*;
use uptime::{Certainty, Evidence, Month, ServerMonth, Source, Timeline};

use crate::plan::{Plan, plans, tellings};
use crate::says;
use crate::told::{coverage, told};

/// What a look left: the timeline as of it, and its tick.
struct Look {
    timeline: Timeline,
    tick: i64,
}

/// Ticks of the month before this one.
fn ticks(plan: &Plan, until: i64) -> impl Iterator<Item = i64> {
    (0..until).filter(|tick| Month::of(plan.instant(*tick)) == plan.month)
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
                // Time that nobody had looked at yet is possible up to a later look, and no further.
                before = Some(Look { timeline, tick });
            }
            Ok(())
        })?;
    }
}
