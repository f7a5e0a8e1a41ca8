/// A setting of denoising.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Setting {
    /// Positions of the answer.
    Length,
    /// See [`Params::block_length`](crate::Params::block_length).
    BlockLength,
    /// See [`Params::steps`](crate::Params::steps).
    Steps,
    /// See [`Transfer::Threshold`](crate::params::Transfer::Threshold).
    Threshold,
    /// See [`Params::temperature`](crate::Params::temperature).
    Temperature,
    /// See [`Params::cfg_scale`](crate::Params::cfg_scale).
    CfgScale,
    /// See [`Params::remasking`](crate::Params::remasking).
    Remasking,
    /// See [`Params::seed`](crate::Params::seed).
    Seed,
    /// See [`Params::confidence_eos_eot_inf`](crate::Params::confidence_eos_eot_inf).
    EndLast,
    /// See [`Transfer::Factor`](crate::params::Transfer::Factor).
    Factor,
    /// See [`Transfer::EntropyBound`](crate::params::Transfer::EntropyBound).
    EntropyBound,
    /// See [`Params::entropy_order`](crate::Params::entropy_order).
    EntropyOrder,
    /// See [`Params::cache`](crate::Params::cache).
    Cache,
    /// See [`Params::early_stop`](crate::Params::early_stop).
    EarlyStop,
    /// See [`Params::logits_eos_inf`](crate::Params::logits_eos_inf).
    NoEnd,
    /// See [`Transfer::Klass`](crate::params::Transfer::Klass).
    Klass,
    /// See [`Transfer::LocalLeap`](crate::params::Transfer::LocalLeap).
    LocalLeap,
    /// See [`Transfer::SlowFast`](crate::params::Transfer::SlowFast).
    SlowFast,
    /// See [`Transfer::Wino`](crate::params::Transfer::Wino).
    Wino,
    /// See [`Transfer::Hierarchy`](crate::params::Transfer::Hierarchy).
    Hierarchy,
    /// See [`Transfer::Credit`](crate::params::Transfer::Credit).
    Credit,
    /// See [`Transfer::Dynamic`](crate::params::Transfer::Dynamic).
    Dynamic,
    /// See [`Transfer::Timesteps`](crate::params::Transfer::Timesteps).
    Schedule,
    /// See [`Params::editing`](crate::Params::editing).
    Editing,
    /// See [`Params::sub_block_length`](crate::Params::sub_block_length).
    SubBlock,
    /// See [`Params::top_p`](crate::Params::top_p).
    TopP,
    /// See [`Params::order_temperature`](crate::Params::order_temperature).
    OrderTemperature,
    /// See [`Params::top_k`](crate::Params::top_k).
    TopK,
}

impl Setting {
    /// What a server that tells [text alone](crate::engine::Loaded::text_alone) is told; it denoises as it does for the rest.
    pub const OF_TEXT: [Self; 3] = [Self::Length, Self::Temperature, Self::Seed];
}
