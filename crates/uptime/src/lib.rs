//! Running minutes of EC2 servers, as pure arithmetic over evidence.
//!
//! ```text
//! CloudTrail record ─┐
//! EC2 observation   ─┼─► Evidence ─► Timeline (with Coverage) ─► Span: proven + possible minutes
//! state-change event─┘
//! ```
//!
//! Nothing here knows AWS clients, clocks, environment variables or logs: `now` is an argument, records are strings.
//! The answer is a [`Span`]: the minutes that the evidence proves, and how many more it allows; the truth is inside. What is
//! new of a server becomes part of its month in one place, [`fold`].

mod admitted;
mod audit;
mod blind;
mod cache;
mod checked_text;
mod claims;
mod cloudtrail;
mod condense;
mod digest;
mod evidence;
mod evidence_text;
mod explanation;
mod fold;
mod gap;
mod instance;
mod instant;
mod kind;
mod machine;
mod minutes;
mod month;
mod observation;
mod period;
mod points;
mod record;
mod relevance;
mod sampled;
mod samples;
mod scope;
mod server_month;
mod span;
mod state;
mod state_change;
mod swept;
mod timeline;
mod window;

pub use audit::{Audit, Comparison, Completeness};
pub use blind::BlindSpots;
pub use cache::CacheEntry;
pub use cloudtrail::{EVICTION, LIFECYCLE_EVENTS, RecordError, read_record};
pub use digest::Digest;
pub use evidence::{Evidence, Fact, ServerEvidence, Source};
pub use evidence_text::InvalidEvidence;
pub use explanation::{End, ExplainedSegment, Explanation, Heard, Reason, StoredMinutes, Witness, WitnessKind};
pub use fold::{Folded, Look, News, fold};
pub use instance::{InstanceId, InvalidInstanceId};
pub use instant::instant_text;
pub use machine::Machine;
pub use minutes::{InvalidMinutes, Minutes};
pub use month::{InvalidMonth, Month};
pub use observation::{InstanceState, Observation, SpotRequest, UnknownState, is_by_ec2, transition_time};
pub use period::Period;
pub use sampled::Sampled;
pub use samples::{Delivery, Samples};
pub use scope::{AccountId, InvalidAccountId, InvalidRegion, InvalidScope, Region, Scope};
pub use server_month::{ServerMonth, Summary};
pub use span::{RunningTime, Span};
pub use state::State;
pub use state_change::{StateChange, StateChangeError};
pub use swept::SweptFor;
pub use timeline::{Certainty, Segment, Timeline};
pub use window::{Coverage, InvalidWindow, Window};
