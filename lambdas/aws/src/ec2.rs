//! EC2: the servers of the fleet.

use std::collections::HashMap;

use aws_sdk_ec2::Client;
use aws_sdk_ec2::primitives::DateTime as SmithyDateTime;
use aws_sdk_ec2::types::{Filter, Instance};
use chrono::{DateTime, Utc};
use uptime::{InstanceId, InstanceState, Observation};

use crate::error::ServiceError;
use crate::ports::Fleet;

const OPERATION: &str = "EC2 DescribeInstances";
/// The most that one page may have.
const PAGE_SIZE: i32 = 1000;

/// The tag that makes an instance a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppTag {
    /// Its key.
    pub key: String,
    /// Its value.
    pub value: String,
}

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
}

impl Fleet for Ec2Fleet {
    async fn list(&self, now: DateTime<Utc>) -> Result<Vec<Observation>, ServiceError> {
        let request = self.client.describe_instances().filters(self.tagged());
        let mut pages = request.into_paginator().page_size(PAGE_SIZE).send();
        let mut servers = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| ServiceError::new(OPERATION, error))?;
            for instance in page.reservations().iter().flat_map(|reservation| reservation.instances()) {
                servers.push(observation(instance, now)?);
            }
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
        let answer = answer.map_err(|error| ServiceError::new(OPERATION, error))?;
        let instances = answer.reservations().iter().flat_map(|reservation| reservation.instances());
        let found = instances.map(|instance| observation(instance, now));
        found.map(|found| found.map(|server| (server.id.clone(), server))).collect()
    }
}

fn observation(instance: &Instance, now: DateTime<Utc>) -> Result<Observation, ServiceError> {
    let unexpected = |what: String| ServiceError::unexpected(OPERATION, what);
    let id: InstanceId =
        instance.instance_id().unwrap_or_default().parse().map_err(|error| unexpected(format!("{error}")))?;
    let name = instance.state().and_then(|state| state.name()).map(|name| name.as_str()).unwrap_or_default();
    let state: InstanceState = name.parse().map_err(|error| unexpected(format!("{id}: {error}")))?;
    let primary = instance.network_interfaces().iter().filter_map(|interface| interface.attachment());
    let primary = primary.into_iter().find(|attachment| attachment.device_index() == Some(0));
    Ok(Observation {
        id,
        state,
        observed_at: now,
        launch_time: instance.launch_time().and_then(instant),
        transition_reason: instance.state_transition_reason().map(str::to_owned),
        created_at: primary.and_then(|attachment| attachment.attach_time()).and_then(instant),
    })
}

fn instant(time: &SmithyDateTime) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(time.secs(), time.subsec_nanos())
}
