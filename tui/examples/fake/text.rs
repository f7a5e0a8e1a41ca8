//! What the pretended model says.

/// To everything.
pub(crate) const ANSWER: &str = "A prime number is a whole number greater than 1 that has exactly two divisors: 1 and itself. \
It cannot be made by multiplying two smaller whole numbers.\n\nThe first five prime numbers are 2, 3, 5, 7 and 11. \
素数 are what Japanese calls them, 👩‍🔬 finds new ones with \u{1b}[31mcomputers\u{1b}[0m.";
/// To `marks`.
pub(crate) const MARKED: &str = "## Primes

A *prime* has **exactly two** divisors; see `is_prime` and [the list](https://oeis.org/A000040).

1. Take `n > 1`.
2. Try every divisor:
   - [x] up to the root
   - [ ] 素数 too

> There is no ~~last~~ largest prime.

| n | prime |
|--:|:-----:|
| 7 | yes |
| 12 | no |

```python
def is_prime(n):  # slow
    return n > 1 and all(n % d for d in range(2, n))
```";

/// Words with the space before them; those of other scripts in pieces cut without regard for characters.
pub(crate) fn words(text: &'static str) -> Vec<&'static [u8]> {
    let starts = text.match_indices([' ', '\n']).map(|(at, _)| at);
    let edges: Vec<usize> = [0].into_iter().chain(starts).chain([text.len()]).collect();
    let words = edges.windows(2).map(|edge| &text[edge[0]..edge[1]]);
    let pieces = words.filter(|word| !word.is_empty()).flat_map(|word| {
        let size = if word.is_ascii() { word.len() } else { 5 };
        word.as_bytes().chunks(size)
    });
    pieces.collect()
}
