//! What the handlers share: how a server's month is folded, stored and cached, and how one server is answered for.
//!
//! ```text
//! stored month + what is new ─► uptime::fold ─► store (anew where somebody else wrote in between) ─► cache
//! get_cached_running_minutes: cache ─► else one server calculated from EC2 and CloudTrail ─► stored and cached
//! ```
//!
//! It has the ports, which `uptime-aws` implements, and knows neither SDK types nor Lambda.

mod cached;
mod counts;
mod handled;
pub mod metrics;
mod moment;
mod month_report;
mod one_server;
mod port_traits;
pub mod ports;
mod read_month;
mod scope_status;
mod scopes;
mod service_error;
mod services;
mod settings;
mod shared_look;
mod status_checks;
mod store;
mod sweep_state;
mod swept;
mod testimony;
pub mod variables;

pub use cached::{Answered, KnownMinutes, Origin, get_cached_running_minutes, get_known_running_minutes};
pub use counts::Counts;
pub use handled::Handled;
pub use moment::{Deadlines, Moment};
pub use month_report::MonthReport;
pub use one_server::{AnswerError, OneServer, begins_anew};
pub use read_month::{ReadMonth, known_month, read_month};
pub use scope_status::{FAILING_AFTER, Figures, ScopeStatus, Trouble, TroubleKind};
pub use scopes::Scopes;
pub use service_error::{ServiceError, is_throttle_code};
pub use settings::{AppTag, SharedSettings};
pub use shared_look::{Part, SharedLook};
pub use status_checks::{Batch, MostAsked, Question};
pub use store::{Writing, cache, cache_entry, store};
pub use swept::Swept;
pub use testimony::Testimony;
