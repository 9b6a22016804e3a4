//! CloudTrail records: writing those of the simulated account, in the shape of real ones.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Map, Value, json};

use crate::calls::{Action, Call, Item, Omission, Outcome};
use crate::dice;
use crate::place::Place;
use crate::server::{Server, State};
use crate::trail::{Body, Entry};

/// CloudTrail leaves a response out where it is larger than this.
const LARGEST_RESPONSE: usize = 100 * 1024;

/// What a record is rendered from.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// All servers of the account.
    pub servers: &'a [Server],
    /// The account and region.
    pub place: &'a Place,
    /// The account's seed.
    pub seed: u64,
}

impl Source<'_> {
    /// The record of an entry.
    #[must_use]
    pub fn record(&self, entry: &Entry) -> Value {
        match &entry.body {
            Body::Verbatim(record) => (**record).clone(),
            Body::BidEvicted(keys) => {
                let ids: Vec<&str> = keys.iter().map(|&key| self.servers[key].id.as_str()).collect();
                let mut record = self.envelope(entry, "AwsServiceEvent");
                record.insert(
                    "userIdentity".into(),
                    json!({"accountId": self.place.account, "invokedBy": "sec2.amazonaws.com"}),
                );
                record.insert("sourceIPAddress".into(), json!("ec2.amazonaws.com"));
                record.insert("userAgent".into(), json!("ec2.amazonaws.com"));
                record.insert("requestParameters".into(), Value::Null);
                record.insert("responseElements".into(), Value::Null);
                record.insert("serviceEventDetails".into(), json!({ "instanceIdSet": ids }));
                record.into()
            }
            Body::Call(call, outcome) => self.call(entry, call, outcome),
        }
    }

    /// An entry's id.
    #[must_use]
    pub fn event_id(&self, entry: &Entry) -> String {
        match &entry.body {
            Body::Verbatim(record) => record["eventID"].as_str().unwrap_or_default().to_owned(),
            _ => dice::uuid(self.seed, entry.number),
        }
    }

    fn call(&self, entry: &Entry, call: &Call, outcome: &Outcome) -> Value {
        let mut record = self.envelope(entry, "AwsApiCall");
        record.insert("userIdentity".into(), identity(call, entry.number, &self.place.account));
        record.insert(
            "sourceIPAddress".into(),
            json!(if call.auto_scaling { "autoscaling.amazonaws.com" } else { "203.0.113.7" }),
        );
        record.insert("userAgent".into(), json!("aws-cli/2.15.30 Python/3.11.8 Linux/6.1.79 exe/x86_64.amzn.2023"));
        record.insert("requestParameters".into(), self.request(call));
        let response = match outcome {
            Outcome::Refused { code, message } => {
                record.insert("errorCode".into(), json!(code));
                record.insert("errorMessage".into(), json!(message));
                Value::Null
            }
            Outcome::Done(items) => self.response(entry, call, items),
        };
        record.insert("responseElements".into(), response);
        record.insert(
            "tlsDetails".into(),
            json!({
                "tlsVersion": "TLSv1.3",
                "cipherSuite": "TLS_AES_128_GCM_SHA256",
                "clientProvidedHostHeader": format!("ec2.{}.amazonaws.com", self.place.region),
            }),
        );
        record.into()
    }

    fn envelope(&self, entry: &Entry, event_type: &str) -> Map<String, Value> {
        let record = json!({
            "eventVersion": "1.10",
            "eventTime": entry.at.format("%Y-%m-%dT%H:%M:%SZ").to_string(),
            "eventSource": "ec2.amazonaws.com",
            "eventName": entry.name,
            "awsRegion": self.place.region,
            "requestID": dice::uuid(self.seed ^ 0xCA11, entry.number),
            "eventID": self.event_id(entry),
            "readOnly": false,
            "eventType": event_type,
            "managementEvent": true,
            "recipientAccountId": self.place.account,
            "eventCategory": "Management",
        });
        match record {
            Value::Object(fields) => fields,
            _ => Map::new(),
        }
    }

    fn request(&self, call: &Call) -> Value {
        if call.action == Action::Run {
            let count = call.targets.len();
            let instance_type = call.targets.first().map(|&key| self.servers[key].instance_type);
            return json!({
                "instancesSet": {"items": [{"imageId": "ami-0abcdef1234567890", "minCount": 1, "maxCount": count}]},
                "instanceType": instance_type,
                "blockDeviceMapping": {},
                "monitoring": {"enabled": false},
                "disableApiTermination": false,
                "disableApiStop": false,
                // The launch of a server has one token, however often it is sent.
                "clientToken": dice::uuid(self.seed ^ 0x70CE, call.targets.first().map_or(0, |&key| key as u64)),
                "ebsOptimized": false,
            });
        }
        let known = call.targets.iter().map(|&key| self.servers[key].id.as_str());
        let named = known.chain(call.strangers.iter().map(String::as_str));
        let items: Vec<Value> = named.map(|id| json!({ "instanceId": id })).collect();
        let mut request = json!({ "instancesSet": { "items": items } });
        if let Action::Stop { force, hibernate } = call.action {
            request["force"] = json!(force);
            if hibernate {
                request["hibernate"] = json!(true);
            }
        }
        request
    }

    fn response(&self, entry: &Entry, call: &Call, items: &[Item]) -> Value {
        let request_id = dice::uuid(self.seed ^ 0xCA11, entry.number);
        let response = match call.action {
            Action::Reboot => json!({ "requestId": request_id, "_return": true }),
            Action::Run => json!({
                "requestId": request_id,
                "reservationId": items.first().map(|item| self.servers[item.server].reservation.as_str()),
                "ownerId": self.place.account,
                "groupSet": {},
                "instancesSet": {"items": items.iter().enumerate().map(|(n, item)| self.launched(item, n, entry.at)).collect::<Vec<_>>()},
            }),
            // The real service keeps no order here: whoever joins by position reads the wrong server.
            _ => json!({
                "requestId": request_id,
                "instancesSet": {"items": items.iter().rev().map(|item| json!({
                    "instanceId": self.servers[item.server].id,
                    "currentState": state(item.current),
                    "previousState": item.previous.map(state),
                })).collect::<Vec<_>>()},
            }),
        };
        let omitted = call.omission != Omission::Nothing;
        let size = if omitted { LARGEST_RESPONSE + 1 } else { response_size(&response, items.len()) };
        if size > LARGEST_RESPONSE {
            return json!({ "omitted": true, "originalSize": size, "reason": "The field exceeds the maximum size" });
        }
        response
    }

    /// An instance's part of the answer to `RunInstances` at `at`: just launched, or found by the launch's client token.
    fn launched(&self, item: &Item, index: usize, at: DateTime<Utc>) -> Value {
        let (server, current) = (&self.servers[item.server], item.current);
        let view = server.view(at, TimeDelta::MAX);
        let started = view.as_ref().map_or(at, |view| view.launched).timestamp_millis();
        let attached = view.as_ref().and_then(|view| view.attached).unwrap_or(at).timestamp_millis();
        let tags: Vec<Value> =
            server.tags_at(at).iter().map(|(key, value)| json!({ "key": key, "value": value })).collect();
        let mut instance = json!({
            "instanceId": server.id,
            "imageId": "ami-0abcdef1234567890",
            "instanceState": state(current),
            "privateDnsName": "ip-10-0-1-10.ec2.internal",
            "amiLaunchIndex": index,
            "productCodes": {},
            "instanceType": server.instance_type,
            "launchTime": started,
            "placement": {"availabilityZone": format!("{}a", self.place.region), "tenancy": "default"},
            "monitoring": {"state": "disabled"},
            "subnetId": "subnet-0ed352584ab4aa265",
            "vpcId": "vpc-06fe1a64761a0f720",
            "privateIpAddress": "10.0.1.10",
            "architecture": "x86_64",
            "rootDeviceType": "ebs",
            "rootDeviceName": "/dev/xvda",
            "blockDeviceMapping": {},
            "virtualizationType": "hvm",
            "hypervisor": "xen",
            "tagSet": if tags.is_empty() { json!({}) } else { json!({ "items": tags }) },
            "groupSet": {"items": [{"groupId": "sg-0b233157065b7d5e2", "groupName": "default"}]},
            "sourceDestCheck": true,
            "networkInterfaceSet": {"items": [{
                "networkInterfaceId": interface_id(server),
                "status": "in-use",
                "attachment": {
                    "attachmentId": format!("eni-attach-{}", short_id(server)),
                    "deviceIndex": 0,
                    "status": "attaching",
                    "attachTime": attached,
                    "deleteOnTermination": true,
                },
            }]},
            "ebsOptimized": false,
            "enaSupport": true,
        });
        if current == State::Pending {
            instance["stateReason"] = json!({"code": "pending", "message": "pending"});
        }
        if let Some(request) = server.spot_request_id() {
            instance["instanceLifecycle"] = json!("spot");
            instance["spotInstanceRequestId"] = json!(request);
        }
        instance
    }
}

/// The id of a server's primary network interface.
#[must_use]
pub fn interface_id(server: &Server) -> String {
    format!("eni-{}", short_id(server))
}

fn short_id(server: &Server) -> &str {
    server.id.trim_start_matches("i-")
}

/// Only a large launch can be too large: nothing else is worth measuring.
fn response_size(response: &Value, items: usize) -> usize {
    if items < 20 { 0 } else { response.to_string().len() }
}

fn state(state: State) -> Value {
    json!({ "code": state.code(), "name": state.name() })
}

/// Who called. Real accounts have all of these, and `Root` besides.
fn identity(call: &Call, number: u64, account: &str) -> Value {
    if call.auto_scaling {
        return json!({
            "type": "AssumedRole",
            "principalId": "AROAIDPPEZS35WEXAMPLE:AutoScaling",
            "arn": format!("arn:aws:sts::{account}:assumed-role/AWSServiceRoleForAutoScaling/AutoScaling"),
            "accountId": account,
            "sessionContext": {"sessionIssuer": {"type": "Role", "userName": "AWSServiceRoleForAutoScaling"}},
            "invokedBy": "autoscaling.amazonaws.com",
        });
    }
    match number % 5 {
        0 => json!({
            "type": "Root",
            "principalId": account,
            "arn": format!("arn:aws:iam::{account}:root"),
            "accountId": account,
            "accessKeyId": "AKIAIOSFODNN7EXAMPLE",
        }),
        1 => json!({
            "type": "AssumedRole",
            "principalId": "AROAIDPPEZS35WEXAMPLE:scheduler",
            "arn": format!("arn:aws:sts::{account}:assumed-role/instance-scheduler/scheduler"),
            "accountId": account,
            "accessKeyId": "AKIAIOSFODNN7EXAMPLE",
            "sessionContext": {
                "sessionIssuer": {
                    "type": "Role",
                    "principalId": "AROAIDPPEZS35WEXAMPLE",
                    "arn": format!("arn:aws:iam::{account}:role/instance-scheduler"),
                    "accountId": account,
                    "userName": "instance-scheduler",
                },
                "attributes": {"mfaAuthenticated": "false"},
            },
        }),
        _ => json!({
            "type": "IAMUser",
            "principalId": "AIDACKCEVSQ6C2EXAMPLE",
            "arn": format!("arn:aws:iam::{account}:user/operator"),
            "accountId": account,
            "accessKeyId": "AKIAIOSFODNN7EXAMPLE",
            "userName": "operator",
        }),
    }
}
