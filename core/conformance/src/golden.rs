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
        sha256: "0f8f5c382fafec750cc75804a4ed3f1618478ae1844c7ec80be2fd44d13d0c5e",
        tokens: &[0, 3, 276, 4, 264, 318, 277, 281, 325, 288, 2860, 36, 5, 3, 275, 4, 264, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2],
        rows: &[
            (3, &[(4, 20.907782), (264, 12.637085), (794, 12.554862), (276, 12.381117), (782, 7.85253), (585, 7.292295), (678, -8.560434), (1487, -8.078053)]),
            (13, &[(3, 23.785284), (275, 16.803583), (5, 9.068063), (482, 8.226968), (1, 6.625424), (281, 6.579852), (662, -10.979862), (2001, -9.582716)]),
            (17, &[(304, 26.515965), (53, 9.961744), (45, 9.957576), (38, 9.691217), (365, 9.680736), (2340, 9.65562), (420, -6.260845), (1080, -5.609163)]),
            (21, &[(277, 20.732641), (379, 7.120739), (2860, 5.4892063), (421, 5.3095613), (325, 4.62241), (311, 4.4505744), (1838, -17.868212), (1064, -17.838005)]),
            (32, &[(1, 22.459246), (5, 7.1707344), (19, 4.948106), (3, 4.8297453), (276, 4.6047335), (4, 2.9344206), (1912, -12.229585), (1160, -11.267644)]),
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
