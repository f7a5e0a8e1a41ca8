use super::Field;

impl Field {
    /// What it does, in a line or two.
    #[must_use]
    pub fn about(self) -> &'static str {
        match self {
            Self::Length => {
                "Positions of the answer, all masked at first. A short answer ends early and leaves \
                 the rest unused; a longer one costs more per forward."
            }
            Self::BlockLength => {
                "The answer is unmasked block by block, left to right; within a block in any order. \
                 As long as the answer: no blocks."
            }
            Self::Steps => {
                "Forward passes for the whole answer, shared evenly among its blocks. Fewer are \
                 faster and commit more tokens at a time, with less care."
            }
            Self::Speed => {
                "Steps and threshold in one: quality has 1 token per step, balanced 2, fast commits \
                 all tokens above 0.90, turbo all above 0.70."
            }
            Self::Threshold => {
                "Each step commits every token of at least this confidence, and one at least. Far \
                 fewer forwards; tokens may differ from the exact schedule's."
            }
            Self::Temperature => {
                "Gumbel noise on the choice of tokens. 0 always takes the best one, so that the \
                 seed has no say."
            }
            Self::Guidance => {
                "Classifier-free guidance pushes the answer towards the prompt. Each forward then \
                 has two rows and takes about twice as long."
            }
            Self::Remasking => {
                "Which tokens stay masked for later steps: those the model is least sure of, or any."
            }
            Self::Seed => {
                "Where noise and random remasking come from. random draws another one for each \
                 answer; /retry seed=N repeats one exactly."
            }
            Self::EndLast => {
                "End tokens are committed last, so that an answer does not end before it has been \
                 written (confidence_eos_eot_inf)."
            }
            Self::Delay => {
                "Shows each step for at least this long. The engine does not wait: only the picture \
                 is slower. It holds for the running answer too."
            }
            Self::Pins => {
                "Words that the answer must hold, at token positions counted from 0: 0:Once, 5:upon. \
                 They stay for every answer until cleared."
            }
            Self::Factor => {
                "As the threshold, but it asks less of a token that leads by rank. Tokens may differ \
                 from the exact schedule's. Excludes the threshold."
            }
            Self::Cache => {
                "Reuses keys and values of other blocks between steps: prefix those before, dual \
                 those after as well. Faster; tokens may differ."
            }
            Self::EarlyStop => {
                "Ends the turn once an end token is settled and no mask stands before it. The \
                 visible text is the same."
            }
            Self::Context => {
                "When the conversation outgrows the model's context: roll leaves its oldest turns \
                 out of the prompt, refuse sends nothing."
            }
            Self::NoEnd => {
                "The end-of-text token is never predicted (logits_eos_inf): the answer fills its \
                 whole length."
            }
        }
    }
}
