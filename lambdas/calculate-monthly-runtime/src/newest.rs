//! Beside the first step: the newest of the trail, which is needed whatever servers there are.
//!
//! CloudTrail answers two requests a second, and a large fleet takes a second to be listed. So an hourly run begins to read while
//! it lists.

use std::pin::pin;

use chrono::TimeDelta;
use futures::future::{Either, ready, select};
use uptime::Window;
use uptime_ledger::ports::{Limits, Sweep, SweepState, Trail};
use uptime_ledger::{Moment, ServiceError};

use crate::config::Settings;
use crate::plan::reread_since;
use crate::request::Request;

/// A run begins early only where the one before is no longer ago than this. A scope whose last server is gone moves its
/// watermark no more, so that after this time nothing is read there any more.
const GOES_ON_FOR: TimeDelta = TimeDelta::hours(2);

/// A sweep that was begun before it was known how far back it has to go.
#[derive(Debug)]
pub(crate) struct Begun<S> {
    pub(crate) sweep: S,
    pub(crate) outcome: Result<(), ServiceError>,
}

/// The window that an hourly run reads whatever servers there are; none where that is not known.
pub(crate) fn newest(state: &SweepState, request: &Request, settings: Settings, moment: Moment) -> Option<Window> {
    let watermark = state.coverage.end().filter(|_| request.is_hourly(moment))?;
    let goes_on = (moment.now - GOES_ON_FOR..=moment.now).contains(&watermark);
    goes_on.then(|| Window::new(reread_since(state, watermark, settings, moment), moment.now))
}

/// Begins to read the trail with a window that ends now.
pub(crate) async fn begin<T: Trail>(trail: &T, newest: Option<Window>, moment: Moment) -> Option<Begun<T::Sweep>> {
    let newest = newest?;
    // It may have to go on into the past.
    let mut sweep = trail.sweep(Window::new(trail.remembers_since(moment.now).min(newest.from), newest.to));
    let limits = Limits { deadline: moment.deadlines.reading, lookups: u64::MAX };
    let outcome = sweep.read_back_to(newest.from, limits).await;
    Some(Begun { sweep, outcome })
}

/// Does some work while `beside` goes on. Returns what the work gives, and the rest of `beside` as a future.
pub(crate) async fn alongside<W: Future, B: Future + Unpin>(
    work: W,
    beside: B,
) -> (W::Output, impl Future<Output = B::Output>) {
    match select(pin!(work), beside).await {
        Either::Left((done, beside)) => (done, Either::Left(beside)),
        Either::Right((done, work)) => (work.await, Either::Right(ready(done))),
    }
}
