//! CloudWatch, asked about what all else leaves open.

use chrono::TimeDelta;
use doubles::{InMemoryChecks, InMemoryTrail};
use serde_json::{Value, json};
use uptime::{InstanceState, Observation, Period, Window};

use crate::support::{Tables, at, body, id, seen, trail, witnessed};

/// Tables, and a CloudWatch that is asked.
#[derive(Default)]
struct Witnessed {
    tables: Tables,
    checks: InMemoryChecks,
}

impl Witnessed {
    async fn asked(&self, now: &str, fleet: &[Observation], trail: &InMemoryTrail, payload: Value) -> Value {
        let services = self.tables.services(fleet, trail);
        let handled = witnessed(&self.checks, services, at(now), payload).await;
        handled.outcome.map(body).unwrap_or_else(|error| panic!("{error}"))
    }

    async fn hour(&self, now: &str, fleet: &[Observation], trail: &InMemoryTrail) -> Value {
        self.asked(now, fleet, trail, json!({})).await
    }

    fn minutes(&self) -> (String, String) {
        self.tables.minutes(1, "2025-10")
    }
}

fn window(from: &str, to: &str) -> Window {
    Window::new(at(from), at(to))
}

/// Started by a call on the 3rd at 6:00, shut down from inside at 9:30; EC2 notes no time of it.
fn shut_down(now: &str) -> (Vec<Observation>, InMemoryTrail) {
    let server = Observation {
        launch_time: Some(at("2025-10-03T06:00:00Z")),
        ..seen(1, InstanceState::Stopped, "2025-09-01T00:00:00Z", now)
    };
    let calls = [
        (1, "2025-09-02T00:00:00Z stopped CloudTrail StopInstances 1"),
        (1, "2025-10-03T06:00:00Z started CloudTrail StartInstances 2"),
    ];
    (vec![server], trail(&calls))
}

fn ran(checks: &InMemoryChecks) {
    checks.ran(&id(1), window("2025-10-03T06:00:00Z", "2025-10-03T09:30:00Z"));
}

#[tokio::test]
async fn what_a_first_run_leaves_open_is_narrowed_in_the_same_run_and_not_asked_again() {
    let fleet = Witnessed::default();
    ran(&fleet.checks);
    let now = "2025-10-11T00:00:00Z";
    let (servers, trail) = shut_down(now);
    let answer = fleet.hour(now, &servers, &trail).await;
    assert_eq!(answer["cloudwatch"], json!({"requests": 1, "asked": 1, "unanswered": 0}));
    assert_eq!(fleet.minutes(), ("209.00".to_owned(), "2.00".to_owned()));
    let cached = fleet.tables.cache.entries()[&id(1)].clone();
    assert_eq!((cached.span.proven.to_string(), cached.span.possible.to_string()), ("209.00".into(), "2.00".into()));
    let asked = fleet.checks.asked();
    assert_eq!((asked.len(), asked[0].period, &asked[0].ids), (1, Period::FiveMinutes, &vec![id(1)]));

    let now = "2025-10-11T01:00:00Z";
    let (servers, trail) = shut_down(now);
    let answer = fleet.hour(now, &servers, &trail).await;
    assert_eq!((answer.get("cloudwatch"), fleet.checks.asked().len()), (None, 0));
    assert_eq!(fleet.minutes(), ("209.00".to_owned(), "2.00".to_owned()));
}

/// Two runs, the second since the 10th at noon, as EC2 shows. The trail is read back to `ends_at` only.
fn runs_again(now: &str, ends_at: Option<&str>) -> (Vec<Observation>, InMemoryTrail) {
    let server = Observation {
        created_at: Some(at("2025-09-01T00:00:00Z")),
        ..seen(1, InstanceState::Running, "2025-10-10T12:00:00Z", now)
    };
    let calls = [
        (1, "2025-09-02T00:00:00Z stopped CloudTrail StopInstances 1"),
        (1, "2025-10-03T06:00:00Z started CloudTrail StartInstances 2"),
        (1, "2025-10-03T08:00:00Z stopped CloudTrail StopInstances 3"),
        (1, "2025-10-10T12:00:00Z started CloudTrail StartInstances 4"),
    ];
    (vec![server], InMemoryTrail { ends_at: ends_at.map(at), ..trail(&calls) })
}

#[tokio::test]
async fn what_the_next_run_reads_from_the_trail_is_not_asked() {
    let fleet = Witnessed::default();
    for (now, ends_at) in [
        ("2025-10-11T00:00:00Z", Some("2025-10-10T18:00:00Z")),
        ("2025-10-11T01:00:00Z", Some("2025-10-05T00:00:00Z")),
        ("2025-10-11T02:00:00Z", None),
    ] {
        let (servers, trail) = runs_again(now, ends_at);
        let answer = fleet.hour(now, &servers, &trail).await;
        assert_eq!(answer["cloudtrail"]["complete"], ends_at.is_none(), "{answer}");
        assert_eq!(fleet.checks.asked(), [], "{now}");
    }
    assert_eq!(fleet.minutes(), ("960.00".to_owned(), "0.00".to_owned()));
}

#[tokio::test]
async fn what_the_trail_does_not_get_to_run_after_run_is_asked() {
    let fleet = Witnessed::default();
    fleet.checks.ran(&id(1), window("2025-10-03T06:00:00Z", "2025-10-03T08:00:00Z"));
    fleet.checks.ran(&id(1), window("2025-10-10T12:00:00Z", "2025-10-11T01:00:00Z"));
    let asked = async |now: &str| {
        let (servers, trail) = runs_again(now, Some("2025-10-10T18:00:00Z"));
        fleet.hour(now, &servers, &trail).await;
        fleet.checks.asked().len()
    };
    assert_eq!((asked("2025-10-11T00:00:00Z").await, asked("2025-10-11T01:00:00Z").await), (0, 1));
    let (proven, possible) = fleet.minutes();
    assert!(proven.parse::<f64>().unwrap() > 890.0 && possible.parse::<f64>().unwrap() < 10.0, "{proven}, {possible}");
}

#[tokio::test]
async fn a_steady_hour_in_which_nothing_is_open_asks_nothing() {
    let fleet = Witnessed::default();
    for now in ["2025-10-11T00:00:00Z", "2025-10-11T01:00:00Z"] {
        let servers = [seen(1, InstanceState::Running, "2025-09-01T00:00:00Z", now)];
        let answer = fleet.hour(now, &servers, &trail(&[])).await;
        assert_eq!((answer.get("cloudwatch"), fleet.checks.asked().len()), (None, 0), "{now}");
    }
}

#[tokio::test]
async fn a_cloudwatch_that_refuses_fails_no_run_and_is_asked_again() {
    let fleet = Witnessed::default();
    ran(&fleet.checks);
    fleet.checks.refuse(true);
    let now = "2025-10-11T00:00:00Z";
    let (servers, trail) = shut_down(now);
    let answer = fleet.hour(now, &servers, &trail).await;
    assert_eq!((&answer["errors"], &answer["processed"]), (&json!(0), &json!(1)));
    assert_eq!(answer["cloudwatch"], json!({"requests": 1, "asked": 1, "unanswered": 1}));
    let (proven, _) = fleet.minutes();
    assert_eq!(proven, "0.00");
    fleet.checks.refuse(false);
    let now = "2025-10-11T01:00:00Z";
    let (servers, trail) = shut_down(now);
    fleet.hour(now, &servers, &trail).await;
    assert_eq!(fleet.minutes(), ("209.00".to_owned(), "2.00".to_owned()));
}

#[tokio::test]
async fn the_hour_after_a_shutdown_is_asked_by_the_minute() {
    let fleet = Witnessed::default();
    let started = "2025-10-11T00:20:00Z";
    fleet.checks.ran(&id(1), window(started, "2025-10-11T02:25:00Z"));
    let calls = trail(&[(1, "2025-10-11T00:20:00Z started CloudTrail StartInstances 1")]);
    for (now, state) in
        [("2025-10-11T02:00:00Z", InstanceState::Running), ("2025-10-11T03:00:00Z", InstanceState::Stopped)]
    {
        let server = Observation { launch_time: Some(at(started)), ..seen(1, state, "2025-09-01T00:00:00Z", now) };
        fleet.hour(now, &[server], &calls).await;
    }
    let asked = fleet.checks.asked();
    assert_eq!(asked.last().map(|batch| batch.period), Some(Period::Minute));
    let item = fleet.tables.item(1, "2025-10");
    let ran = item.timeline(at("2025-10-11T03:00:00Z")).running_time(item.month);
    let truth = TimeDelta::minutes(125);
    assert!(ran.proven >= truth - TimeDelta::minutes(2), "{ran:?}");
}

#[tokio::test]
async fn a_month_that_cloudtrail_has_forgotten_is_computed_from_samples_and_filled_in_one_go() {
    let fleet = Witnessed::default();
    let now = "2025-10-11T00:00:00Z";
    let servers = [seen(1, InstanceState::Running, "2025-01-01T00:00:00Z", now)];
    let servers = [Observation { launch_time: Some(at("2025-10-10T08:00:00Z")), ..servers[0].clone() }];
    for day in 1..=28 {
        let at = |hour: &str| format!("2025-04-{day:02}T{hour}:00Z");
        fleet.checks.ran(&id(1), window(&at("08:20"), &at("17:40")));
    }
    let answer = fleet.asked(now, &servers, &trail(&[]), json!({"month": "2025-04"})).await;
    assert_eq!((&answer["processed"], &answer["errors"]), (&json!(1), &json!(0)), "{answer}");
    let item = fleet.tables.item(1, "2025-04");
    assert!(item.is_final);
    let truth = f64::from(28 * 560);
    let (proven, possible) = (item.span().proven.as_f64(), item.span().possible.as_f64());
    assert!(proven <= truth && truth <= proven + possible && possible <= 28.0 * 4.0 + 120.0, "{proven} + {possible}");

    let filled = fleet.asked(now, &servers, &trail(&[]), json!({"since": "2025-02"})).await;
    let months = ["2025-09", "2025-08", "2025-07", "2025-06", "2025-05", "2025-03", "2025-02"];
    assert_eq!((&filled["months"], &filled["remaining"]), (&json!(months), &json!([])), "{filled}");
    let again = fleet.asked(now, &servers, &trail(&[]), json!({"since": "2025-02"})).await;
    assert_eq!((&again["months"], &again["remaining"]), (&json!([]), &json!([])), "{again}");
}

#[tokio::test]
async fn what_nobody_remembers_is_refused() {
    let fleet = Witnessed::default();
    let now = "2025-10-11T00:00:00Z";
    let servers = [seen(1, InstanceState::Running, "2023-01-01T00:00:00Z", now)];
    let nothing = trail(&[]);
    let services = fleet.tables.services(&servers, &nothing);
    let handled = witnessed(&fleet.checks, services, at(now), json!({"month": "2024-06"})).await;
    let error = handled.outcome.unwrap_err().to_string();
    assert_eq!(
        error,
        "invalid request: month 2024-06 is beyond what can be known: the ledger has nothing of it, and CloudWatch remembers \
         455 days, since 2024-07-13 00:00:00 UTC"
    );
}
