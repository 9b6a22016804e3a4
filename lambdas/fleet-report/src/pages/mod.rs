//! The pages that people look at: HTML without scripts or anything loaded from elsewhere, for a browser and for a widget of
//! a CloudWatch dashboard alike.
//!
//! Names of servers are other people's text: all text is escaped by the template macro, and none is put together by hand.

mod axis;
mod days;
mod fleet_page;
mod frame;
mod health;
mod reasons;
mod server_page;
mod words;

pub(crate) use fleet_page::fleet;
pub(crate) use frame::Frame;
pub(crate) use server_page::{explained, server};
