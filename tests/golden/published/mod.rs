//! The published programs whose rules the product does not have: strategies of their own, against the golden numbers.

mod bf16;
mod fast_dllm;
mod web_demo;

pub(crate) use bf16::Bf16;
pub(crate) use fast_dllm::{FastDllm, Version, select};
pub(crate) use web_demo::WebDemo;
