//! Logits of small models as the reference computes them, to hold backends against.
//!
//! Those of the tiny models were computed by the original PyTorch code on a processor in float32, and are the first forwards of
//! `tests/golden`; those of the demo model by an independent implementation in numpy, in float64, which reproduces the former
//! within 2e-5. A model is known by the SHA-256 of its one file of weights.

use std::fs::File;
use std::io::Read as _;
use std::path::PathBuf;

use sha2::{Digest as _, Sha256};

/// Numbers of one model.
pub(crate) struct Golden {
    pub(crate) name: &'static str,
    /// Length of the file of weights: most files need not be hashed.
    bytes: u64,
    sha256: &'static str,
    /// Fed whole, from position 0.
    pub(crate) tokens: &'static [u32],
    /// Positions with their highest logits and two of the lowest, as token and number.
    pub(crate) rows: &'static [(u32, &'static [(u32, f32)])],
}

/// How far a number of a float32 network may be off: `|a - b| <= ABSOLUTE + RELATIVE * |b|`, as for `tests/golden`.
pub(crate) const ABSOLUTE: f32 = 2e-4;
pub(crate) const RELATIVE: f32 = 1e-4;

/// How far all numbers together may be off in a precision below float32, as a part of their norm.
pub(crate) fn largest_error(precision: &str) -> f64 {
    match precision {
        "f16" | "bf16" => 0.02,
        _ if precision.contains('8') => 0.06,
        // Four bits or so; the tiny networks are random and feel it most.
        _ => 0.35,
    }
}

/// What is known of the model in these files.
pub(crate) fn of(weights: &[PathBuf]) -> Option<&'static Golden> {
    let [file] = weights else { return None };
    let mut file = File::open(file).ok()?;
    let bytes = file.metadata().ok()?.len();
    if MODELS.iter().all(|model| model.bytes != bytes) {
        return None;
    }
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        match file.read(&mut buffer).ok()? {
            0 => break,
            count => hash.update(&buffer[..count]),
        }
    }
    let digits = |byte: &u8| format!("{byte:02x}");
    let sha256: String = hash.finalize().iter().map(digits).collect();
    MODELS.iter().find(|model| model.sha256 == sha256)
}

#[rustfmt::skip]
const MODELS: &[Golden] = &[
    Golden {
        name: "tiny-llada-a",
        bytes: 667064,
        sha256: "3198a0eb867c96c279c1aeb1c98ba0c64a76f45afbeaf6bb13df7f0735240e78",
        tokens: &[496, 506, 359, 265, 507, 198, 198, 34, 269, 378, 220, 257, 75, 79, 275, 68, 495, 258, 418, 376, 294, 30, 508, 506, 282, 82, 266, 83, 439, 507, 198, 198, 501, 501, 501, 501, 501, 501, 501, 501],
        rows: &[
            (0, &[(354, 7.890064), (482, 6.472414), (451, 6.325268), (405, 6.305643), (230, 6.1740627), (338, 5.7351923), (300, -6.884724), (137, -6.825076)]),
            (13, &[(6, 10.0350485), (208, 7.6900215), (476, 7.1701527), (53, 6.8052683), (226, 5.5558677), (338, 5.5226035), (184, -7.322708), (498, -7.1734257)]),
            (31, &[(146, 7.609082), (502, 6.7888374), (29, 6.605118), (173, 6.550752), (405, 6.2318377), (458, 6.2313585), (470, -7.250174), (223, -7.1357856)]),
            (32, &[(4, 9.607789), (34, 5.946623), (386, 5.874021), (478, 5.7926164), (443, 5.626116), (476, 5.555913), (214, -7.749183), (431, -7.531243)]),
            (39, &[(4, 8.691248), (476, 7.7050467), (355, 6.089016), (443, 5.7829275), (428, 5.7736216), (0, 5.518807), (389, -7.31638), (32, -7.0660105)]),
        ],
    },
    Golden {
        name: "tiny-llada-gqa",
        bytes: 633616,
        sha256: "7837b34505d4b3a996030e4610223202ebaadb6493ddabb848002d9ac4b631e3",
        tokens: &[480, 490, 359, 265, 491, 198, 198, 386, 78, 264, 81, 78, 83, 68, 261, 273, 355, 74, 30, 492, 490, 281, 82, 266, 83, 444, 491, 198, 198, 485, 485, 485, 485, 485, 485, 485, 485],
        rows: &[
            (0, &[(430, 8.610397), (113, 6.490034), (53, 5.8983874), (350, 5.7211494), (110, 5.577037), (251, 5.413841), (172, -7.6871862), (208, -6.2521358)]),
            (13, &[(509, 8.133994), (507, 8.0295925), (97, 6.8457413), (93, 6.238393), (220, 5.924906), (0, 5.748919), (497, -6.431344), (500, -6.4291825)]),
            (36, &[(412, 8.95877), (414, 8.450804), (137, 7.719996), (350, 7.594686), (415, 7.4107075), (483, 7.304266), (140, -6.832763), (133, -6.817502)]),
        ],
    },
    Golden {
        name: "demo",
        bytes: 14100328,
        sha256: "5211592e97761a9f1ea15b9f1e79dcda320000ab3a478bceb947b733df133670",
        tokens: &[0, 3, 276, 4, 264, 318, 277, 281, 325, 288, 2860, 36, 5, 3, 275, 4, 264, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2],
        rows: &[
            (3, &[(4, 21.432934), (276, 15.028538), (794, 13.388879), (264, 10.177329), (782, 7.947072), (719, 7.641372), (1487, -8.575709), (678, -8.27411)]),
            (13, &[(3, 22.12737), (275, 15.951657), (5, 8.626879), (1, 7.972237), (342, 7.883127), (330, 6.629137), (1753, -11.599992), (1551, -10.087962)]),
            (17, &[(304, 25.40324), (720, 12.279262), (38, 11.305786), (40, 10.875421), (692, 10.801112), (53, 8.435478), (420, -6.6913366), (823, -6.2874947)]),
            (21, &[(277, 22.910679), (288, 8.434573), (2860, 6.0478435), (325, 5.496323), (379, 5.173765), (500, 4.7135367), (1278, -19.735348), (272, -19.417156)]),
            (32, &[(1, 23.230076), (5, 9.197812), (19, 6.2447453), (3, 5.584231), (276, 5.302285), (281, 3.6101196), (1912, -12.552499), (474, -12.180754)]),
        ],
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_stand_in_their_canvas() {
        for model in MODELS {
            let positions: Vec<u32> = model.rows.iter().map(|(at, _)| *at).collect();
            assert!(positions.is_sorted(), "{}", model.name);
            assert!(
                positions
                    .iter()
                    .all(|&at| (at as usize) < model.tokens.len())
            );
            assert!(model.tokens.len() <= 48, "a session of the suite holds it");
        }
    }

    #[test]
    fn a_file_of_nobody_is_not_known() {
        assert!(of(&[]).is_none());
        assert!(of(&["nowhere".into()]).is_none());
    }
}
