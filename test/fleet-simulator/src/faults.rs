//! Faults on request: the next calls of an action fail, in the way each service fails.

use serde::{Deserialize, Serialize};

use crate::service::{Action, Answer};
use crate::{cloudtrail, cloudwatch, ec2};

/// How a call fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Kind {
    /// The caller is told to slow down.
    Throttle,
    /// The service broke.
    Error500,
    /// The caller may not.
    AccessDenied,
    /// The region does not know the account.
    RegionDisabled,
    /// The connection ends without an answer.
    Unreachable,
    /// No answer for `seconds`, then a 504.
    Timeout,
    /// The page's first record can't be parsed (`LookupEvents` only).
    MalformedRecord,
}

/// One order to fail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Fault {
    /// Which calls; without it, all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<Action>,
    /// In which way.
    pub kind: Kind,
    /// How many of them; without it, all until the faults are deleted.
    #[serde(default)]
    pub count: Option<u64>,
    /// How many go well before the first one fails.
    #[serde(default)]
    pub after_calls: u64,
    /// How long a `timeout` lasts.
    #[serde(default = "fifteen_minutes")]
    pub seconds: u64,
}

fn fifteen_minutes() -> u64 {
    900
}

/// All orders in force, oldest first.
#[derive(Debug, Default)]
pub struct Faults(Vec<Fault>);

impl Faults {
    /// Adds an order, or says why it makes no sense.
    ///
    /// # Errors
    /// Where the action has no such failure.
    pub fn add(&mut self, fault: Fault) -> Result<(), String> {
        if fault.kind == Kind::MalformedRecord && fault.action != Some(Action::LookupEvents) {
            return Err("malformedRecord is a fault of LookupEvents only".to_owned());
        }
        self.0.push(fault);
        Ok(())
    }

    /// Ends all of them.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// What is still to fail.
    #[must_use]
    pub fn pending(&self) -> &[Fault] {
        &self.0
    }

    /// How this call fails, if it does. Every order for it counts the call.
    pub fn next(&mut self, action: Action) -> Option<Fault> {
        let mut chosen = None;
        for fault in self.0.iter_mut().filter(|fault| fault.action.is_none_or(|failing| failing == action)) {
            if fault.after_calls > 0 {
                fault.after_calls -= 1;
            } else if chosen.is_none() && fault.count != Some(0) {
                fault.count = fault.count.map(|left| left - 1);
                chosen = Some(fault.clone());
            }
        }
        self.0.retain(|fault| fault.count != Some(0));
        chosen
    }
}

/// The answer of a call in an account that fails, for the kinds that have one of their own.
#[must_use]
pub fn answer(action: Action, kind: Kind, account: &str) -> Option<Answer> {
    let denied = format!("User: arn:aws:sts::{account}:assumed-role/calculate/function is not authorized to perform:");
    let because = "because no identity-based policy allows the action";
    Some(match (action, kind) {
        (Action::LookupEvents, Kind::Throttle) => cloudtrail::throttled(),
        (Action::LookupEvents, Kind::Error500) => {
            cloudtrail::error(500, "InternalFailure", "An internal error occurred.")
        }
        (Action::LookupEvents, Kind::AccessDenied) => {
            let message = format!("{denied} cloudtrail:LookupEvents {because}");
            cloudtrail::error(400, "AccessDeniedException", &message)
        }
        (Action::LookupEvents, Kind::Timeout) => cloudtrail::error(504, "GatewayTimeout", "No answer in time."),
        (_, Kind::MalformedRecord | Kind::Unreachable) => return None,
        (Action::GetMetricData, Kind::Throttle) => cloudwatch::error(400, "ThrottlingException", "Rate exceeded"),
        (Action::GetMetricData, Kind::Error500) => {
            cloudwatch::error(500, "InternalServiceFault", "An internal error has occurred")
        }
        (Action::GetMetricData, Kind::AccessDenied) => {
            let message = format!("{denied} cloudwatch:GetMetricData {because}");
            cloudwatch::error(403, "AccessDeniedException", &message)
        }
        (Action::GetMetricData, Kind::RegionDisabled) => cloudwatch::error(
            403,
            "UnrecognizedClientException",
            "The security token included in the request is invalid.",
        ),
        (Action::GetMetricData, Kind::Timeout) => cloudwatch::error(504, "GatewayTimeout", "No answer in time."),
        (Action::LookupEvents, Kind::RegionDisabled) => cloudtrail::not_enabled(),
        (_, Kind::RegionDisabled) => ec2::not_enabled(),
        (_, Kind::Throttle) => ec2::error(503, "RequestLimitExceeded", "Request limit exceeded."),
        (_, Kind::Error500) => ec2::error(500, "InternalError", "An internal error has occurred"),
        (_, Kind::AccessDenied) => {
            let message =
                format!("You are not authorized to perform this operation. {denied} ec2:{action:?} {because}");
            ec2::error(403, "UnauthorizedOperation", &message)
        }
        (_, Kind::Timeout) => ec2::error(504, "GatewayTimeout", "No answer in time."),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(kind: Kind, count: Option<u64>, after_calls: u64) -> Fault {
        Fault { action: Some(Action::LookupEvents), kind, count, after_calls, seconds: 1 }
    }

    fn kinds(faults: &mut Faults, calls: usize) -> Vec<Option<Kind>> {
        (0..calls).map(|_| faults.next(Action::LookupEvents).map(|fault| fault.kind)).collect()
    }

    #[test]
    fn fails_as_often_as_asked_after_as_many_calls_as_asked() {
        let mut faults = Faults::default();
        faults.add(fault(Kind::Throttle, Some(2), 1)).unwrap();
        let expected = vec![None, Some(Kind::Throttle), Some(Kind::Throttle), None];
        assert_eq!(kinds(&mut faults, 4), expected);
        assert!(faults.pending().is_empty());
    }

    #[test]
    fn fails_until_told_otherwise_and_only_its_action() {
        let mut faults = Faults::default();
        faults.add(fault(Kind::Error500, None, 0)).unwrap();
        assert_eq!(faults.next(Action::DescribeInstances), None);
        assert_eq!(kinds(&mut faults, 3), vec![Some(Kind::Error500); 3]);
        faults.clear();
        assert_eq!(kinds(&mut faults, 1), vec![None]);
    }

    #[test]
    fn fails_all_actions_where_none_is_named() {
        let mut faults = Faults::default();
        faults.add(Fault { action: None, ..fault(Kind::Throttle, None, 0) }).unwrap();
        for action in [Action::DescribeInstances, Action::LookupEvents] {
            assert_eq!(faults.next(action).map(|fault| fault.kind), Some(Kind::Throttle));
        }
    }

    #[test]
    fn refuses_a_fault_that_the_action_does_not_have() {
        let mut faults = Faults::default();
        let wrong = Fault { action: Some(Action::DescribeInstances), ..fault(Kind::MalformedRecord, None, 0) };
        assert!(faults.add(wrong).is_err());
    }
}
