//! EC2: the servers of the fleet.

use std::collections::{HashMap, HashSet};

use aws_sdk_ec2::Client;
use aws_sdk_ec2::operation::describe_instances::DescribeInstancesOutput;
use aws_sdk_ec2::primitives::DateTime as SmithyDateTime;
use aws_sdk_ec2::types::{Filter, Instance, InstanceLifecycleType, InstanceStateName, SpotInstanceType};
use chrono::{DateTime, Utc};
use uptime::{InstanceId, InstanceState, Observation, SpotRequest, is_by_ec2};

use crate::sdk_error::service_error;
use uptime_ledger::ports::Fleet;
use uptime_ledger::{AppTag, ServiceError};

const OPERATION: &str = "EC2 DescribeInstances";
const SPOT_OPERATION: &str = "EC2 DescribeSpotInstanceRequests";
/// The most values that one filter may have.
const FILTER_VALUES: usize = 200;
/// The most that one page may have.
const PAGE_SIZE: i32 = 1000;

/// The fleet as `DescribeInstances` shows it.
#[derive(Clone, Debug)]
pub struct Ec2Fleet {
    client: Client,
    tag: AppTag,
}

impl Ec2Fleet {
    /// The servers that carry `tag`.
    pub fn new(client: Client, tag: AppTag) -> Self {
        Self { client, tag }
    }

    fn tagged(&self) -> Filter {
        Filter::builder().name(format!("tag:{}", self.tag.key)).values(&self.tag.value).build()
    }

    /// The servers among EC2's instances, with the Spot requests of those of which the request tells something.
    async fn observations(&self, instances: &[Instance], now: DateTime<Utc>) -> Result<Vec<Observation>, ServiceError> {
        let asked: Vec<&str> =
            instances.iter().filter(|instance| was_reclaimed(instance)).filter_map(request_id).collect();
        let one_time = match self.one_time(&asked).await {
            Ok(one_time) => one_time,
            Err(error) => {
                tracing::warn!(%error, "Could not read Spot requests, the ends of some runs stay open: {error}");
                HashSet::new()
            }
        };
        instances.iter().map(|instance| observation(instance, &one_time, now)).collect()
    }

    /// Which of these Spot requests are one-time requests. Old ones are not there any more.
    async fn one_time(&self, requests: &[&str]) -> Result<HashSet<String>, ServiceError> {
        let mut one_time = HashSet::new();
        for ids in requests.chunks(FILTER_VALUES) {
            let these =
                ids.iter().fold(Filter::builder().name("spot-instance-request-id"), |filter, id| filter.values(*id));
            let mut pages =
                self.client.describe_spot_instance_requests().filters(these.build()).into_paginator().send();
            while let Some(page) = pages.next().await {
                let page = page.map_err(|error| service_error(SPOT_OPERATION, error))?;
                let found = page.spot_instance_requests().iter();
                let found = found.filter(|request| request.r#type() == Some(&SpotInstanceType::OneTime));
                one_time.extend(found.filter_map(|request| request.spot_instance_request_id().map(str::to_owned)));
            }
        }
        Ok(one_time)
    }
}

fn is_spot(instance: &Instance) -> bool {
    instance.instance_lifecycle() == Some(&InstanceLifecycleType::Spot)
}

fn request_id(instance: &Instance) -> Option<&str> {
    instance.spot_instance_request_id()
}

/// True for a Spot server that EC2 has terminated by itself: its request tells whether it may have been stopped before.
fn was_reclaimed(instance: &Instance) -> bool {
    let state = instance.state().and_then(|state| state.name());
    let ended = matches!(state, Some(InstanceStateName::ShuttingDown | InstanceStateName::Terminated));
    is_spot(instance) && ended && is_by_ec2(instance.state_transition_reason().unwrap_or_default())
}

impl Fleet for Ec2Fleet {
    async fn list(&self, now: DateTime<Utc>) -> Result<Vec<Observation>, ServiceError> {
        let request = self.client.describe_instances().filters(self.tagged());
        let mut pages = request.into_paginator().page_size(PAGE_SIZE).send();
        let mut servers = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| service_error(OPERATION, error))?;
            servers.extend(self.observations(&instances(page), now).await?);
        }
        Ok(servers)
    }

    async fn find(
        &self,
        ids: &[InstanceId],
        now: DateTime<Utc>,
    ) -> Result<HashMap<InstanceId, Observation>, ServiceError> {
        // A filter, for asking by id is an error where one of the instances is not there.
        let these = ids.iter().fold(Filter::builder().name("instance-id"), |filter, id| filter.values(id.as_str()));
        let answer = self.client.describe_instances().filters(self.tagged()).filters(these.build()).send().await;
        let answer = answer.map_err(|error| service_error(OPERATION, error))?;
        // What a Spot request says of an end, the state change has said already, and more exactly.
        let unread = HashSet::new();
        let found = instances(answer).into_iter().map(|instance| observation(&instance, &unread, now));
        found.map(|found| found.map(|server| (server.id.clone(), server))).collect()
    }
}

fn instances(page: DescribeInstancesOutput) -> Vec<Instance> {
    let reservations = page.reservations.unwrap_or_default().into_iter();
    reservations.flat_map(|reservation| reservation.instances.unwrap_or_default()).collect()
}

fn observation(
    instance: &Instance,
    one_time: &HashSet<String>,
    now: DateTime<Utc>,
) -> Result<Observation, ServiceError> {
    let unexpected = |what: String| ServiceError::unexpected(OPERATION, what);
    let id: InstanceId =
        instance.instance_id().unwrap_or_default().parse().map_err(|error| unexpected(format!("{error}")))?;
    let name = instance.state().and_then(|state| state.name()).map(|name| name.as_str()).unwrap_or_default();
    let state: InstanceState = name.parse().map_err(|error| unexpected(format!("{id}: {error}")))?;
    let primary = instance.network_interfaces().iter().filter_map(|interface| interface.attachment());
    let primary = primary.into_iter().find(|attachment| attachment.device_index() == Some(0));
    let spot = is_spot(instance).then(|| match request_id(instance) {
        Some(request) if one_time.contains(request) => SpotRequest::OneTime,
        _ => SpotRequest::Persistent,
    });
    Ok(Observation {
        id,
        state,
        observed_at: now,
        launch_time: instance.launch_time().and_then(instant),
        transition_reason: instance.state_transition_reason().map(str::to_owned),
        created_at: primary.and_then(|attachment| attachment.attach_time()).and_then(instant),
        name: name_tag(instance),
        instance_type: instance.instance_type().map(|name| name.as_str().to_owned()),
        spot,
    })
}

/// The value of the tag that consoles show as an instance's name.
fn name_tag(instance: &Instance) -> Option<String> {
    let tag = instance.tags().iter().find(|tag| tag.key() == Some("Name"))?;
    tag.value().filter(|value| !value.is_empty()).map(str::to_owned)
}

fn instant(time: &SmithyDateTime) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(time.secs(), time.subsec_nanos())
}
