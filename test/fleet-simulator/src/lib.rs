//! A stand-in for AWS accounts and their regions, for development only.
//!
//! It serves EC2 `DescribeInstances` and `DescribeSpotInstanceRequests` and CloudTrail `LookupEvents` on one loopback
//! port, for a fleet whose history it made up itself (or took from a folder of real records) and whose true running time
//! it therefore knows. That truth is a naive replay of its own history; nothing here shares a line with the product's
//! arithmetic.

pub mod calls;
pub mod clock;
pub mod cloudtrail;
pub mod cloudwatch;
pub mod control;
pub mod dice;
pub mod ec2;
pub mod faults;
pub mod options;
pub mod place;
pub mod records;
pub mod scenario;
pub mod scopes;
pub mod server;
pub mod service;
mod sts;
pub mod throttle;
pub mod trail;
pub mod truth;
pub mod world;
mod xml;
