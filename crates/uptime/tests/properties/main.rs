//! Properties of the arithmetic, against a naive model that lives through every tick of random fleets.

#![allow(clippy::unwrap_used, clippy::panic, reason = "what a test builds wrong should stop it")]

mod condensed;
mod explained;
mod garbage;
mod looked_at;
mod plan;
mod records;
mod reference_model;
mod sampled;
mod told;

use plan::{Plan, plans, tellings, windows};
use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;
use reference_model::{Change, Fleet, Server};
use told::{Piece, coverage, pieces, timeline, told};
use uptime::{Certainty, Fact, Timeline, Window};

/// What is found goes to `cases.rs` by name, not into a file of seeds. `PROPTEST_CASES` searches longer.
fn config() -> ProptestConfig {
    let default = ProptestConfig::default();
    ProptestConfig { cases: 4 * default.cases, failure_persistence: None, ..default }
}

/// Checks every server of a fleet with all its evidence.
fn for_each(plan: &Plan, check: impl Fn(&Server, &[Piece]) -> TestCaseResult) -> TestCaseResult {
    let fleet = Fleet::replay(plan);
    let born = |server: &&Server| server.born <= plan.now();
    fleet.servers.iter().filter(born).try_for_each(|server| check(server, &pieces(plan, &fleet, server)))
}

/// The ticks in which something can be known or have happened, but for a server's years before them.
fn ticks(plan: &Plan) -> std::ops::Range<i64> {
    -100..plan.now()
}

/// What a timeline says of one tick, read off its segments: whether the server ran for certain, perhaps, or not at all.
fn says(plan: &Plan, timeline: &Timeline, tick: i64) -> Option<Certainty> {
    let span = plan.window((tick, tick + 1));
    let holds = |window: Window| window.from <= span.from && span.to <= window.to;
    timeline.segments().iter().find(|segment| holds(segment.window)).map(|segment| segment.certainty)
}

fn assert_truth_inside(plan: &Plan, server: &Server, timeline: &Timeline) -> TestCaseResult {
    for tick in ticks(plan) {
        match says(plan, timeline, tick) {
            Some(Certainty::Proven) => prop_assert!(server.ran_in(tick), "{} did not run in {tick}", server.id),
            Some(Certainty::Possible) => {}
            None => prop_assert!(!server.ran_in(tick), "{} ran in {tick}", server.id),
        }
    }
    let time = timeline.running_time(plan.month);
    let month = plan.month.until(plan.instant(plan.now()));
    let inside = (0..plan.now()).filter(|tick| server.ran_in(*tick) && plan.instant(*tick) < month.to);
    let truth = chrono::TimeDelta::seconds(plan.tick * inside.count() as i64);
    prop_assert!(time.proven <= truth && truth <= time.proven + time.possible, "{truth} is not in {time:?}");
    Ok(())
}

/// Every tick is as certain as before, or more so.
fn assert_not_wider(plan: &Plan, before: &Timeline, after: &Timeline) -> TestCaseResult {
    for tick in ticks(plan) {
        let (was, is) = (says(plan, before, tick), says(plan, after, tick));
        prop_assert!(was == is || was == Some(Certainty::Possible), "{tick} was {was:?}, is {is:?}");
    }
    let (was, is) = (before.running_time(plan.month), after.running_time(plan.month));
    prop_assert!(is.proven >= was.proven, "proven fell from {was:?} to {is:?}");
    prop_assert!(is.proven + is.possible <= was.proven + was.possible, "possible rose from {was:?} to {is:?}");
    Ok(())
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn the_truth_is_always_inside_the_span(plan in plans(), telling in tellings()) {
        for_each(&plan, |server, all| {
            let (told, _) = told(&plan, all, &telling);
            assert_truth_inside(&plan, server, &timeline(&plan, &told, &telling.windows))
        })?;
    }

    #[test]
    fn order_and_repetition_change_nothing(plan in plans(), telling in tellings(), other in tellings()) {
        for_each(&plan, |_, all| {
            let (mut told, _) = told(&plan, all, &telling);
            let first = timeline(&plan, &told, &telling.windows);
            let again = told.clone().into_iter().enumerate().filter(|(place, _)| other.tells(*place));
            told.extend(again.map(|(_, piece)| piece).collect::<Vec<_>>());
            other.shuffle(&mut told);
            let mut windows = telling.windows.clone();
            windows.reverse();
            prop_assert_eq!(timeline(&plan, &told, &windows), first);
            Ok(())
        })?;
    }

    #[test]
    fn true_evidence_never_widens_the_span(plan in plans(), telling in tellings()) {
        for_each(&plan, |server, all| {
            let (mut told, lost) = told(&plan, all, &telling);
            let mut before = timeline(&plan, &told, &telling.windows);
            for piece in lost {
                let added = piece.evidence.clone();
                told.push(piece);
                let after = timeline(&plan, &told, &telling.windows);
                assert_truth_inside(&plan, server, &after)?;
                assert_not_wider(&plan, &before, &after).map_err(|error| fail(error, &added))?;
                before = after;
            }
            Ok(())
        })?;
    }

    #[test]
    fn more_coverage_never_widens_the_span(plan in plans(), telling in tellings(), more in windows()) {
        for_each(&plan, |server, all| {
            let (mut told, lost) = told(&plan, all, &telling);
            // A sweep of the new windows finds their starts first, and that they are complete second.
            let swept = plan.until_now(&more);
            told.extend(lost.into_iter().filter(|piece| swept.iter().any(|window| piece.is_start_in(&plan, *window))));
            let before = timeline(&plan, &told, &telling.windows);
            let after = timeline(&plan, &told, &[telling.windows.clone(), more.clone()].concat());
            assert_truth_inside(&plan, server, &after)?;
            assert_not_wider(&plan, &before, &after)
        })?;
    }

    /// Complete: every start and stop told exactly by someone, everything covered since the creation, and a look at now.
    /// Only a start and a stop within the very second of now leave it open which came first.
    #[test]
    fn complete_evidence_leaves_nothing_open(plan in plans(), telling in tellings()) {
        let windows = [(-3000, 1000)];
        let telling = telling.over(&windows);
        for_each(&plan, |server, all| {
            let at_now = server.changes.iter().filter(|(tick, _)| *tick == plan.now()).count();
            // Of what EC2 does by itself nothing is complete.
            if at_now > 1 || server.was_interrupted {
                return Ok(());
            }
            let (mut told, lost) = told(&plan, all, &telling);
            told.extend(lost.into_iter().filter(|piece| completes(&plan, piece)));
            let timeline = timeline(&plan, &told, &windows);
            assert_truth_inside(&plan, server, &timeline)?;
            let time = timeline.running_time(plan.month);
            prop_assert!(time.possible.is_zero(), "{time:?} {:?}", timeline.segments());
            let since = server.is_running().then(|| plan.instant(server.last_start()));
            prop_assert_eq!(timeline.running_since(), since);
            Ok(())
        })?;
    }
}

/// The creation, the stops, which no coverage completes, and the last look.
fn completes(plan: &Plan, piece: &Piece) -> bool {
    let evidence = &piece.evidence;
    let fact = &evidence.fact;
    *fact == Fact::Created || fact.is_stop() || evidence.at == plan.instant(plan.now())
}

fn fail(error: TestCaseError, added: &uptime::Evidence) -> TestCaseError {
    TestCaseError::fail(format!("{error}, with {added:?}"))
}

/// The generators reach what they are made for: without this, a property could hold for want of cases.
#[test]
fn the_generators_make_hard_fleets() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let (mut same_tick, mut over_the_start, mut unseen_stops, mut gaps, mut several) = (0, 0, 0, 0, 0);
    for _ in 0..500 {
        let plan = plans().new_tree(&mut runner).unwrap().current();
        let telling = tellings().new_tree(&mut runner).unwrap().current();
        let fleet = Fleet::replay(&plan);
        gaps += usize::from(coverage(&plan, &telling.windows).windows().len() > 1);
        several += fleet.records.iter().filter(|json| json.matches("previousState").count() > 1).count();
        for server in &fleet.servers {
            same_tick += server.changes.windows(2).filter(|pair| pair[0].0 == pair[1].0).count();
            over_the_start += usize::from(server.ran_in(-1) && server.ran_in(0));
            let (told, _) = told(&plan, &pieces(&plan, &fleet, server), &telling);
            let is_told = |tick| told.iter().any(|p| p.evidence.fact.is_stop() && p.evidence.at == plan.instant(tick));
            unseen_stops +=
                server.changes.iter().filter(|(tick, what)| *what == Change::Stop && !is_told(*tick)).count();
        }
    }
    let found = [same_tick, over_the_start, unseen_stops, gaps, several];
    assert!(found.iter().all(|count| *count >= 100), "{found:?}");
}
