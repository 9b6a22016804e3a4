//! Whatever the evidence, an explanation tells the very number, and has a reason for each end.

use chrono::{DateTime, Utc};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;
use uptime::{Certainty, Coverage, End, Evidence, Explanation, Fact, Minutes, Reason, ServerMonth, Window};

use crate::garbage::{coverages, evidence, instants};
use crate::plan::{plans, tellings};
use crate::told::{coverage, told};

fn item(evidence: impl IntoIterator<Item = Evidence>, coverage: Coverage) -> ServerMonth {
    let mut month = ServerMonth::new("i-abcd1111".parse().unwrap(), "2025-10".parse().unwrap());
    month.evidence.extend(evidence);
    month.coverage = coverage;
    month
}

fn assert_explained(month: &ServerMonth, now: DateTime<Utc>) -> TestCaseResult {
    let explanation = month.explain(now);
    let mut summarized = month.clone();
    summarized.summarize(now);
    let summary = summarized.summary.unwrap();
    let sum = |certainty| -> Minutes {
        explanation.segments.iter().filter(|s| s.certainty == certainty).map(|s| s.minutes).sum()
    };
    let told = (explanation.minutes, explanation.uncertainty, explanation.as_of);
    prop_assert_eq!(told, (summary.span.proven, summary.span.possible, summary.as_of));
    prop_assert_eq!(sum(Certainty::Proven), summary.span.proven);
    prop_assert_eq!(sum(Certainty::Possible), summary.span.possible);
    let windows = explanation.segments.iter().map(|s| (Window::new(s.from.at, s.to.at), s.certainty));
    let timeline = month.timeline(now);
    let expected = timeline.segments_in(month.month).map(|s| (s.window, s.certainty));
    prop_assert!(windows.eq(expected), "{:?}", explanation.segments);
    for segment in &explanation.segments {
        assert_reason(&explanation, &segment.from, explanation.month.start(), Reason::MonthBegins)?;
        assert_reason(&explanation, &segment.to, explanation.month.end(), Reason::MonthEnds)?;
        prop_assert_eq!(segment.why.is_empty(), segment.certainty == Certainty::Proven);
    }
    prop_assert_eq!(explanation.evidence.len(), month.evidence.len() + usize::from(month.sighting.is_some()));
    Ok(())
}

fn assert_reason(explanation: &Explanation, end: &End, limit: DateTime<Utc>, cut: Reason) -> TestCaseResult {
    let has_evidence = match end.reason {
        Reason::Evidence | Reason::Condensed => end.evidence.iter().any(|witness| witness.at == end.at),
        Reason::Created => end.evidence.iter().all(|witness| witness.says == "created") && !end.evidence.is_empty(),
        Reason::CoverageBegins | Reason::CoverageEnds => !end.evidence.is_empty(),
        Reason::AsOf | Reason::Left => end.at == explanation.as_of,
        Reason::MonthBegins | Reason::MonthEnds => end.at == limit && end.reason == cut,
    };
    prop_assert!(has_evidence, "{end:?}");
    prop_assert!(end.beyond.is_none() || end.reason == cut, "{end:?}");
    Ok(())
}

proptest! {
    #![proptest_config(crate::config())]

    #[test]
    fn any_evidence_is_explained(
        evidence in vec(evidence(), 0..12), cut in vec(instants(), 0..2), coverage in coverages(), now in instants(),
        left_at in prop::option::weighted(0.2, instants()), sighted in any::<bool>(),
    ) {
        let cut_starts = cut.into_iter().map(|at| Evidence { fact: Fact::RunningAfter, at, source: uptime::Source::Ec2 });
        let mut month = item(evidence.into_iter().chain(cut_starts), coverage);
        month.left_at = left_at;
        month.sighting = if sighted { month.evidence.pop_last() } else { None };
        assert_explained(&month, now)?;
    }

    #[test]
    fn what_is_told_of_a_fleet_is_explained(plan in plans(), telling in tellings()) {
        crate::for_each(&plan, |_, all| {
            let (told, _) = told(&plan, all, &telling);
            let mut month = item(told.into_iter().map(|piece| piece.evidence), coverage(&plan, &telling.windows));
            month.month = plan.month;
            assert_explained(&month, plan.instant(plan.now()))
        })?;
    }
}
