//! Builds what AWS tells of one server: times are hours since the start of the month.

#![allow(dead_code, reason = "each test file uses its part")]
#![allow(clippy::unwrap_used, reason = "what a test builds wrong should stop it")]

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use uptime::{
    Coverage, Evidence, InstanceId, InstanceState, Machine, Month, Observation, SpotRequest, StateChange, Timeline,
    Window, read_record,
};

pub(crate) fn month() -> Month {
    "2025-10".parse().unwrap()
}

/// The instant `hours` after the start of the month.
pub(crate) fn hour(hours: f64) -> DateTime<Utc> {
    month().start() + TimeDelta::seconds((hours * 3600.0).round() as i64)
}

fn instant(hours: f64) -> String {
    hour(hours).format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn envelope(event_name: &str, hours: f64, rest: &str) -> String {
    let time = instant(hours);
    format!(
        r#"{{"eventVersion":"1.08","eventTime":"{time}","eventSource":"ec2.amazonaws.com","eventName":"{event_name}","eventID":"{event_name}-{time}",{rest}}}"#
    )
}

/// A successful call over servers, each with the state it was in before.
pub(crate) fn call(event_name: &str, hours: f64, servers: &[(&str, &str)]) -> String {
    let item = |(previous, id): &(&str, &str)| {
        format!(
            r#"{{"instanceId":"{id}","currentState":{{"name":"pending"}},"previousState":{{"name":"{previous}"}}}}"#
        )
    };
    let items = servers.iter().map(item).collect::<Vec<_>>().join(",");
    let set = format!(r#"{{"instancesSet":{{"items":[{items}]}}}}"#);
    let response = if event_name == "RebootInstances" { r#"{"_return":true}"# } else { &set };
    envelope(event_name, hours, &format!(r#""requestParameters":{set},"responseElements":{response}"#))
}

/// A call that EC2 refused.
pub(crate) fn refused(event_name: &str, hours: f64) -> String {
    let request = format!(r#"{{"instancesSet":{{"items":[{{"instanceId":"{}"}}]}}}}"#, Server::ID);
    let error = r#""errorCode":"Server.InsufficientInstanceCapacity","responseElements":null"#;
    envelope(event_name, hours, &format!(r#""requestParameters":{request},{error}"#))
}

/// A Spot reclaim.
pub(crate) fn evicted(hours: f64, id: &str) -> String {
    envelope(
        "BidEvictedEvent",
        hours,
        &format!(
            r#""requestParameters":null,"responseElements":null,"serviceEventDetails":{{"instanceIdSet":["{id}"]}}"#
        ),
    )
}

/// One server: what EC2 shows of it now and what was recorded.
#[derive(Clone)]
pub(crate) struct Server {
    observation: Observation,
    evidence: BTreeSet<Evidence>,
    coverage: Option<Coverage>,
}

impl Server {
    pub(crate) const ID: &str = "i-0123456789abcdef0";

    pub(crate) fn seen(state: InstanceState) -> Self {
        let observation = Observation {
            id: Self::ID.parse().unwrap(),
            state,
            observed_at: hour(0.0),
            launch_time: None,
            transition_reason: None,
            created_at: None,
            name: None,
            instance_type: None,
            spot: None,
        };
        Self { observation, evidence: BTreeSet::new(), coverage: None }
    }

    /// Its history: stopped by a call shortly before the month.
    pub(crate) fn off_at_the_start(self) -> Self {
        let id = self.observation.id.to_string();
        self.record(&call("StopInstances", -20.0, &[("running", &id)]))
    }

    pub(crate) fn named(mut self, id: &str) -> Self {
        self.observation.id = id.parse().unwrap();
        self
    }

    pub(crate) fn launched(mut self, hours: f64) -> Self {
        self.observation.launch_time = Some(hour(hours));
        self
    }

    pub(crate) fn created(mut self, hours: f64) -> Self {
        self.observation.created_at = Some(hour(hours));
        self
    }

    pub(crate) fn reason(mut self, hours: f64) -> Self {
        let text = format!("User initiated ({})", hour(hours).format("%Y-%m-%d %H:%M:%S GMT"));
        self.observation.transition_reason = Some(text);
        self
    }

    /// EC2 ended the run by itself.
    pub(crate) fn service_reason(mut self, hours: f64) -> Self {
        let text = format!("Service initiated ({})", hour(hours).format("%Y-%m-%d %H:%M:%S GMT"));
        self.observation.transition_reason = Some(text);
        self
    }

    pub(crate) fn spot(mut self, request: SpotRequest) -> Self {
        self.observation.spot = Some(request);
        self
    }

    pub(crate) fn instance_type(mut self, name: &str) -> Self {
        self.observation.instance_type = Some(name.to_owned());
        self
    }

    pub(crate) fn record(mut self, json: &str) -> Self {
        let own: InstanceId = self.observation.id.clone();
        let told = read_record(json, &[]).unwrap().into_iter().filter(|(id, _)| *id == own);
        self.evidence.extend(told.map(|(_, evidence)| evidence));
        self
    }

    pub(crate) fn state_change(mut self, state: &str, hours: f64) -> Self {
        let (id, time) = (Self::ID, instant(hours));
        let json = format!(
            r#"{{"id":"{state}-{time}","detail-type":"EC2 Instance State-change Notification","source":"aws.ec2","account":"123456789012","region":"eu-west-1","time":"{time}","detail":{{"instance-id":"{id}","state":"{state}"}}}}"#
        );
        self.evidence.extend(StateChange::read(&json).unwrap().evidence());
        self
    }

    pub(crate) fn covered(mut self, from: f64, to: f64) -> Self {
        self.coverage = Some(Coverage::none().with(Window::new(hour(from), hour(to))));
        self
    }

    pub(crate) fn uncovered(mut self) -> Self {
        self.coverage = Some(Coverage::none());
        self
    }

    /// Looks at the server at an hour; by default everything from seven days before the month on is covered.
    pub(crate) fn at(mut self, hours: f64) -> Self {
        self.observation.observed_at = hour(hours);
        self.coverage.get_or_insert_with(|| Coverage::none().with(Window::new(hour(-168.0), hour(hours))));
        self.evidence.extend(self.observation.evidence());
        self
    }

    pub(crate) fn timeline(&self) -> Timeline {
        let machine = Machine::of_type(self.observation.instance_type.as_deref());
        Timeline::of_machine(machine, &self.evidence, self.coverage.as_ref().unwrap(), self.observation.observed_at)
    }

    #[track_caller]
    pub(crate) fn assert_minutes(&self, minutes: f64) {
        self.assert_span(minutes, 0.0);
    }

    #[track_caller]
    pub(crate) fn assert_span(&self, minutes: f64, uncertainty: f64) {
        let span = self.timeline().span(month());
        let found = (span.proven.as_f64(), span.possible.as_f64());
        assert_eq!(found, (minutes, uncertainty), "{:#?}", self.timeline().segments());
    }
}
