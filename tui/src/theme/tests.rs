use super::*;

#[test]
fn mono_names_no_colour() {
    let theme = Theme::new(Ground::Dark, Depth::Mono);
    for role in Role::ALL {
        assert_eq!((theme.style(role).fg, theme.style(role).bg), (None, None));
    }
}

#[test]
fn the_bands_differ_in_every_depth() {
    for depth in [Depth::True, Depth::Indexed, Depth::Sixteen, Depth::Mono] {
        for ground in [Ground::Dark, Ground::Light] {
            let theme = Theme::new(ground, depth);
            let low = theme.style(Role::FreshLow);
            let middle = theme.style(Role::FreshMiddle);
            let high = theme.style(Role::FreshHigh);
            assert!(low != middle && middle != high && low != high, "{theme:?}");
        }
    }
}

#[test]
fn text_keeps_the_colour_of_the_terminal() {
    let theme = Theme::new(Ground::Light, Depth::True);
    assert_eq!(theme.style(Role::Text), Style::new());
}

#[test]
fn marks_of_an_answer_do_not_lean_on_colour() {
    let marked = [
        Role::Heading,
        Role::Strong,
        Role::Emphasis,
        Role::StrongEmphasis,
        Role::Struck,
        Role::Link,
    ];
    for depth in [Depth::True, Depth::Indexed, Depth::Sixteen, Depth::Mono] {
        for role in marked {
            let ground = Ground::Dark;
            let style = Theme::new(ground, depth).style(role);
            assert!(!style.add_modifier.is_empty(), "{role:?} in {depth:?}");
        }
    }
}

#[test]
fn the_band_edges_belong_to_the_upper_band() {
    assert_eq!(
        [0.29, 0.3, 0.69, 0.7].map(Role::fresh),
        [
            Role::FreshLow,
            Role::FreshMiddle,
            Role::FreshMiddle,
            Role::FreshHigh
        ]
    );
}

/// Grounds of terminals and editors in wide use: xterm's, and those of popular themes.
const DARK: [u32; 4] = [0x00_0000, 0x1E_1E1E, 0x28_2A36, 0x00_2B36];
const LIGHT: [u32; 3] = [0xFF_FFFF, 0xFD_F6E3, 0xFB_F1C7];

/// The three channels without gamma, 0 to 1 (IEC 61966-2-1).
fn linear(colour: Color) -> [f64; 3] {
    let Color::Rgb(red, green, blue) = colour else {
        panic!("true colours are RGB");
    };
    [red, green, blue].map(|channel| {
        let value = f64::from(channel) / 255.0;
        if value <= 0.04045 {
            value / 12.92
        } else {
            ((value + 0.055) / 1.055).powf(2.4)
        }
    })
}

/// WCAG 2.2, contrast ratio.
fn contrast(colours: [Color; 2]) -> f64 {
    let [one, other] = colours.map(|colour| {
        let [red, green, blue] = linear(colour);
        0.2126 * red + 0.7152 * green + 0.0722 * blue
    });
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

#[test]
fn true_colours_have_enough_contrast_on_grounds_in_wide_use() {
    let grounds = DARK.map(|it| (Ground::Dark, it)).into_iter();
    for (ground, under) in grounds.chain(LIGHT.map(|it| (Ground::Light, it))) {
        let shown = Role::ALL
            .into_iter()
            .filter(|role| !role.is_ground())
            .filter_map(|role| Some((role, colours::true_colour(role, ground)?)));
        for (role, colour) in shown {
            let ratio = contrast([colour, Color::from_u32(under)]);
            assert!(ratio >= 4.5, "{role:?} on {under:06x}: {ratio:.2}");
        }
    }
}

/// What is written on each ground of ours.
fn meets(role: Role, ground: Role) -> bool {
    match ground {
        // Names, hints, states, and the bars of the inspector's candidates on panels alone.
        Role::Chosen => matches!(
            role,
            Role::Text
                | Role::Quiet
                | Role::Muted
                | Role::Accent
                | Role::Strong
                | Role::Fine
                | Role::Warn
                | Role::Error
        ),
        Role::Ground | Role::Surface | Role::Raised => !role.is_ground(),
        _ => false,
    }
}

const GROUNDS: [Role; 4] = [Role::Ground, Role::Surface, Role::Raised, Role::Chosen];

#[test]
fn every_pair_that_meets_on_a_ground_of_ours_has_enough_contrast() {
    let carried = ["catppuccin", "gruvbox", "nord", "tokyo-night"];
    let themes = crate::themes::Themes::default();
    let colours = crate::themes::Colours::UNKNOWN;
    let carried = carried.map(|name| (name, themes.theme(name, colours).expect(name).0));
    let own = [Ground::Dark, Ground::Light].map(|it| ("our own", Theme::new(it, Depth::True)));
    for (name, theme) in carried.into_iter().chain(own) {
        let text = theme.style(Role::Text).fg;
        let text = text.unwrap_or_else(|| colours::text(theme.ground));
        for ground in GROUNDS {
            let Some(under) = theme.style(ground).bg else {
                assert_eq!((name, ground), ("our own", Role::Ground));
                continue;
            };
            for role in Role::ALL.into_iter().filter(|&role| meets(role, ground)) {
                let over = theme.style(role).fg.unwrap_or(text);
                let ratio = contrast([over, under]);
                assert!(
                    ratio >= 4.5,
                    "{name}, {:?}: {role:?} on {ground:?}: {ratio:.2}",
                    theme.ground
                );
            }
        }
    }
}

#[test]
fn on_a_ground_that_nobody_knows_colours_are_read_on_black_and_on_white() {
    let theme = Theme::new(Ground::Unknown, Depth::True);
    for role in Role::ALL {
        let style = theme.style(role);
        assert_eq!(style.bg, None, "{role:?}");
        for under in [0x00_0000, 0xFF_FFFF] {
            let Some(over) = style.fg else { continue };
            let ratio = contrast([over, Color::from_u32(under)]);
            assert!(ratio >= 4.5, "{role:?} on {under:06x}: {ratio:.2}");
        }
    }
    let sixteen = Theme::new(Ground::Unknown, Depth::Sixteen).style(Role::Accent);
    assert_eq!(sixteen.fg, None);
    assert!(sixteen.add_modifier.contains(Modifier::BOLD));
}

#[test]
fn a_token_fades_to_text_over_eight_steps() {
    let theme = Theme::new(Ground::Dark, Depth::True);
    let text = colours::text(Ground::Dark);
    let colour = |steps| theme.style(Role::aged(0.9, steps)).fg.unwrap_or(text);
    let far = |steps| {
        let (Color::Rgb(a, b, c), Color::Rgb(x, y, z)) = (colour(steps), text) else {
            panic!("true colours are RGB");
        };
        a.abs_diff(x) as u32 + b.abs_diff(y) as u32 + c.abs_diff(z) as u32
    };
    let all: Vec<u32> = (0..=9).map(far).collect();
    assert!(all.windows(2).all(|pair| pair[0] >= pair[1]), "{all:?}");
    let distinct: std::collections::BTreeSet<u32> = all.iter().copied().collect();
    assert_eq!(
        (distinct.len(), all[9], all[8] > 0),
        (5, 0, true),
        "{all:?}"
    );
}

type Matrix = [[f64; 3]; 3];

/// How people without one kind of cone see linear RGB (Machado, Oliveira and Fernandes 2009, severity 1), and all others.
const EYES: [(&str, Matrix); 4] = [
    (
        "all cones",
        [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
    ),
    (
        "protanopia",
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ],
    ),
    (
        "deuteranopia",
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.01182, 0.04294, 0.968881],
        ],
    ),
    (
        "tritanopia",
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.3039],
        ],
    ),
];
/// Linear sRGB to CIE XYZ, and its white.
const XYZ: Matrix = [
    [0.4124564, 0.3575761, 0.1804375],
    [0.2126729, 0.7151522, 0.072175],
    [0.0193339, 0.119192, 0.9503041],
];
const WHITE: [f64; 3] = [0.95047, 1.0, 1.08883];

fn times(matrix: &Matrix, vector: [f64; 3]) -> [f64; 3] {
    matrix.map(|row| row.iter().zip(vector).map(|(a, b)| a * b).sum())
}

/// CIE L*a*b* of what such eyes see.
fn lab(colour: Color, eyes: &Matrix) -> [f64; 3] {
    let seen = times(eyes, linear(colour)).map(|channel| channel.clamp(0.0, 1.0));
    let mut part = times(&XYZ, seen);
    for (value, white) in part.iter_mut().zip(WHITE) {
        let ratio = *value / white;
        *value = match ratio > 216.0 / 24389.0 {
            true => ratio.cbrt(),
            false => (24389.0 / 27.0 * ratio + 16.0) / 116.0,
        };
    }
    let [x, y, z] = part;
    [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
}

#[test]
fn the_bands_differ_for_every_kind_of_eye() {
    // The least is 28.6, low and middle on a dark ground for tritanopia (CIE76).
    const LEAST: f64 = 28.5;
    let pairs = [
        (Role::FreshLow, Role::FreshMiddle),
        (Role::FreshMiddle, Role::FreshHigh),
        (Role::FreshLow, Role::FreshHigh),
    ];
    for ground in [Ground::Dark, Ground::Light] {
        for (eyes, matrix) in &EYES {
            for (one, other) in pairs {
                let [a, b] = [one, other].map(|role| {
                    lab(
                        colours::true_colour(role, ground).expect("bands have colours"),
                        matrix,
                    )
                });
                let difference = a
                    .iter()
                    .zip(b)
                    .map(|(a, b)| (a - b).powi(2))
                    .sum::<f64>()
                    .sqrt();
                assert!(
                    difference >= LEAST,
                    "{one:?} and {other:?}, {ground:?}, {eyes}: {difference:.1}"
                );
            }
        }
    }
}
