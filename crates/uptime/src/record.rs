//! The shape of a CloudTrail record: AWS CloudTrail User Guide, "CloudTrail record contents".

use std::borrow::Cow;

use serde::Deserialize;

/// The few fields that matter; the rest of a record is skipped unread.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Record<'a> {
    #[serde(borrow)]
    pub(crate) event_time: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) event_source: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) event_name: Cow<'a, str>,
    #[serde(borrow, default, rename = "eventID")]
    pub(crate) event_id: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(crate) error_code: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(crate) request_parameters: Option<Instances<'a>>,
    #[serde(borrow, default)]
    pub(crate) response_elements: Option<Instances<'a>>,
    #[serde(borrow, default)]
    pub(crate) service_event_details: Option<ServiceEventDetails<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Instances<'a> {
    #[serde(borrow, default)]
    pub(crate) instances_set: Option<InstancesSet<'a>>,
}

/// `{}` occurs, without `items`.
#[derive(Deserialize)]
pub(crate) struct InstancesSet<'a> {
    #[serde(borrow, default)]
    pub(crate) items: Option<Vec<Item<'a>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Item<'a> {
    #[serde(borrow, default)]
    pub(crate) instance_id: Option<Cow<'a, str>>,
    /// Of a launch: the state that the instance is in.
    #[serde(borrow, default)]
    pub(crate) instance_state: Option<State<'a>>,
    /// Of a start, stop or termination: the state that it was in before.
    #[serde(borrow, default)]
    pub(crate) previous_state: Option<State<'a>>,
}

#[derive(Deserialize)]
pub(crate) struct State<'a> {
    #[serde(borrow, default)]
    pub(crate) name: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ServiceEventDetails<'a> {
    #[serde(borrow, default)]
    pub(crate) instance_id_set: Vec<Cow<'a, str>>,
}

/// The items of a request or response; none where that part was cut, or has no items.
pub(crate) fn items<'r, 'a>(part: &'r Option<Instances<'a>>) -> Option<&'r [Item<'a>]> {
    part.as_ref()?.instances_set.as_ref()?.items.as_deref()
}
