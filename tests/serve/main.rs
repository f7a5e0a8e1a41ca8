//! `unmask serve` with the demo model: what clients of OpenAI's API see, and what it does for those who want every step.

mod answers;
mod clients;
mod door;
mod golden;
mod limits;
mod natives;
mod places;
mod recorded;
mod security;
mod server;
mod several;
mod tokens;
mod turns;
mod units;
