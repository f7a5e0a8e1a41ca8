//! What ways to denoise were measured to cost and to lose on one model: the file that `unmask bench --write` makes, and the
//! speed dial that follows from it, for the screen and whoever else offers one.

mod dial;
mod file;
mod mode;

pub use dial::{CostEstimate, DialPosition, DialVerdict, SpeedDial};
pub use file::{
    Accuracy, Agreement, Difference, ForwardTime, MeasuredError, MeasuredMode, MeasuredModel,
    Measurement, Spread,
};
pub use mode::{DenoisingMode, ModeError};

#[cfg(test)]
mod tests;
