//! A text as windows that each fit the context, as lm-evaluation-harness cuts it.

use unmask_api::TokenId;

use super::Pair;

/// Windows of `limit` positions at most that predict each token of a text once.
///
/// The first has `first` as its context, each other one the token before it; the last, if it is not the only one, has as much
/// context as fits. The harness's `get_rolling_token_windows` with a context of one token, made disjoint. A limit below 2
/// counts as 2.
#[must_use]
pub fn rolling_windows(tokens: &[TokenId], first: TokenId, limit: usize) -> Vec<Pair> {
    let most = limit.max(2) - 1;
    let starts = (0..tokens.len()).step_by(most);
    let window = |start: usize| {
        let end = tokens.len().min(start + most);
        let context = match start {
            0 => vec![first],
            _ => tokens[end - most - 1..start].to_vec(),
        };
        Pair {
            context,
            continuation: tokens[start..end].to_vec(),
        }
    };
    starts.map(window).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(length: u32, limit: usize, expected: &[(&[u32], &[u32])]) {
        let tokens: Vec<TokenId> = (0..length).map(TokenId).collect();
        let plain = |tokens: &[TokenId]| tokens.iter().map(|it| it.0).collect::<Vec<_>>();
        let windows = rolling_windows(&tokens, TokenId(99), limit);
        let got: Vec<_> = (windows.iter())
            .map(|it| (plain(&it.context), plain(&it.continuation)))
            .collect();
        let expected: Vec<_> = (expected.iter())
            .map(|(context, continuation)| (context.to_vec(), continuation.to_vec()))
            .collect();
        assert_eq!(got, expected);
    }

    #[test]
    fn windows_are_those_of_the_harness_made_disjoint() {
        // `make_disjoint_window` of `get_rolling_token_windows(range(n), 99, limit - 1, 1)`, lm_eval 0.4.13.
        check(3, 8, &[(&[99], &[0, 1, 2])]);
        check(0, 8, &[]);
        check(
            10,
            5,
            &[
                (&[99], &[0, 1, 2, 3]),
                (&[3], &[4, 5, 6, 7]),
                (&[5, 6, 7], &[8, 9]),
            ],
        );
        check(4, 3, &[(&[99], &[0, 1]), (&[1], &[2, 3])]);
    }
}
