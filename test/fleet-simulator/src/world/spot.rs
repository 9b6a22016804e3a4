//! What EC2 itself does to Spot servers.

use chrono::{DateTime, Utc};

use crate::calls::ServerKey;
use crate::server::{Cause, Interruption, SpotRequest, State};
use crate::world::World;

impl World {
    /// Takes the capacity of those servers back that are on.
    pub(super) fn spot_reclaim(&mut self, at: DateTime<Utc>, servers: &[ServerKey]) {
        for &key in servers {
            let request = self.servers[key].spot.unwrap_or_else(SpotRequest::one_time);
            let ends = request.interruption == Interruption::Terminate;
            self.stop_running(at, key, Cause::Spot, if ends { State::ShuttingDown } else { State::Stopping });
        }
    }

    /// Starts those servers again that EC2 stopped, as it does where their request is not cancelled.
    pub(super) fn spot_restart(&mut self, at: DateTime<Utc>, servers: &[ServerKey]) {
        for &key in servers {
            if self.servers[key].stopped_by_ec2(at) {
                self.apply(at, key, Some(State::Stopped), State::Pending, Cause::Spot);
            }
        }
    }

    /// Cancels a server's request.
    pub(super) fn spot_cancel(&mut self, at: DateTime<Utc>, key: ServerKey) {
        if let Some(request) = &mut self.servers[key].spot {
            request.cancelled = true;
        }
        if self.servers[key].state_at(at) == Some(State::Stopped) {
            self.apply(at, key, Some(State::Stopped), State::Terminated, Cause::Spot);
        }
    }
}
