use std::sync::Arc;

use ratatui::style::Color;
use unmask_core::event::CommitKind;

use super::super::cast::cast;
use super::super::frame::{frame, rows_needed};
use super::super::style::{Chrome, Fonts, PictureStyle, PromptShown};
use super::super::svg::{hex, rgb};
use super::*;
use crate::fixture::{self, FixtureCell};
use crate::state::{ReplayLayer, Turn};

const CELLS: &[FixtureCell] = &[
    FixtureCell::Text(b"The"),
    FixtureCell::Text(b" <b>&"),
    FixtureCell::Text("漢字".as_bytes()),
    FixtureCell::Text(b"\n  end"),
    FixtureCell::Special("<|x|>"),
    FixtureCell::End,
];

/// A turn that writes a cell a step, the last one first.
fn turn() -> Turn {
    let masks: Vec<FixtureCell> = CELLS.iter().map(|_| FixtureCell::Mask).collect();
    let loaded = fixture::loaded(CELLS);
    let prompt = "What is <it> & why?".to_owned();
    let mut turn = Turn::new(unmask_core::engine::TurnId(1), loaded, prompt);
    let canvas = unmask_core::Canvas::new(&[], masks.len(), fixture::MASK);
    let params = unmask_core::Params {
        steps: CELLS.len(),
        block_length: CELLS.len(),
        ..unmask_core::Params::default()
    };
    turn.lay_out(canvas, &params);
    for (step, at) in (0..CELLS.len()).rev().enumerate() {
        let confidence = 0.15 * (step + 1) as f32;
        let commit = fixture::new(at, fixture::token(CELLS, at), confidence);
        assert_eq!(commit.kind, CommitKind::New);
        turn.replay_step(fixture::step(step + 1, CELLS.len(), vec![commit]));
    }
    turn.at_rest()
}

fn style() -> PictureStyle {
    PictureStyle {
        columns: 40,
        fonts: Fonts::Bundled,
        scale: 1.0,
        ..PictureStyle::default()
    }
}

fn text(buffer: &Buffer) -> Vec<String> {
    let row = |y| (0..buffer.area.width).map(move |x| buffer[(x, y)].symbol());
    let rows = 0..buffer.area.height;
    rows.map(|y| row(y).collect::<String>().trim_end().to_owned())
        .collect()
}

fn drawn(format: PictureFormat, span: PictureSpan) -> Vec<u8> {
    picture(&turn(), format, span, &style()).expect("it can be drawn")
}

#[test]
fn a_picture_shows_who_answers_what_was_asked_the_tokens_and_what_colours_mean() {
    let mut turn = turn();
    turn.prompt = "What is <it> & \u{1b}[31mwhy?".to_owned();
    let rows = rows_needed(&turn, &[3], &style());
    let shown = text(&frame(&turn, 3, &style(), rows));
    assert_eq!(shown[0], " unmask  LLaDA-8B-Instruct ·…  step 3/6");
    assert_eq!(shown[2], " › What is <it> & �[31mwhy?");
    assert!(shown[4].contains("▒▒▒"), "{shown:?}");
    assert!(shown.iter().any(|row| row == "   end⟨x⟩␃"), "{shown:?}");
    let last = shown.last().expect("it has rows");
    assert!(last.starts_with(" confidence low mid"), "{last}");
}

#[test]
fn bare_pictures_hold_the_tokens_alone_and_a_card_the_answer_a_bar_a_token_and_settings() {
    let turn = turn();
    let bare = PictureStyle {
        chrome: Chrome::Bare,
        prompt: PromptShown::No,
        ..style()
    };
    let rows = rows_needed(&turn, &[6], &bare);
    assert!(text(&frame(&turn, 6, &bare, rows))[0].starts_with(" The <b>&漢"));
    let card = PictureStyle {
        chrome: Chrome::Card,
        layer: ReplayLayer::Order,
        ..style()
    };
    let rows = rows_needed(&turn, &[6], &card);
    let buffer = frame(&turn, 6, &card, rows);
    let shown = text(&buffer);
    // Message, answer, bars, settings.
    let bars = shown.len() - 3;
    assert!(shown[0].starts_with(" ▌What is <it>"), "{shown:?}");
    assert!(shown[2].starts_with(" The <b>"), "{shown:?}");
    assert_eq!(
        (shown[bars].as_str(), &shown[bars]),
        (" ████████████████████", &shown[bars + 1])
    );
    // The first token was written last.
    let colour = |x: u16| buffer[(x, bars as u16)].fg;
    let order = |sixth| card.theme.style(crate::theme::Role::order(sixth)).fg;
    assert_eq!((Some(colour(1)), Some(colour(20))), (order(5), order(1)));
    let all = shown.join("\n");
    assert!(all.contains("end"), "{all}");
}

#[test]
fn a_card_says_how_it_came_about_as_far_as_there_is_room() {
    let turn = turn();
    let last = |columns: u16| {
        let card = PictureStyle {
            chrome: Chrome::Card,
            columns,
            ..style()
        };
        let rows = rows_needed(&turn, &[6], &card);
        text(&frame(&turn, 6, &card, rows))
            .pop()
            .expect("it has rows")
    };
    let all = " LLaDA-8B-Instruct · 6 steps · seed 0 · 6 forwards · 0.8 s · unmask";
    assert_eq!(last(80), all);
    let most = " LLaDA-8B-Instruct · 6 steps · seed 0 · unmask";
    assert_eq!(last(52), most);
    assert_eq!(last(40), " LLaDA-8B-Instruct · 6 steps · unmask");
    assert_eq!(last(30), " LLaDA-8B-Instruct · unmask");
}

#[test]
fn too_few_rows_keep_the_token_that_was_written_last_in_sight() {
    let bare = PictureStyle {
        chrome: Chrome::Bare,
        prompt: PromptShown::No,
        ..style()
    };
    let first = text(&frame(&turn(), 6, &bare, 1));
    assert!(first[0].contains("The"), "{first:?}");
    let second = text(&frame(&turn(), 3, &bare, 1));
    assert!(second[0].contains("end"), "{second:?}");
}

#[test]
fn colours_by_order_and_by_nothing_are_those_of_the_theme() {
    let turn = turn();
    let of = |layer| {
        let style = PictureStyle {
            layer,
            chrome: Chrome::Bare,
            prompt: PromptShown::No,
            ..style()
        };
        frame(&turn, 6, &style, 4)[(1, 0)].fg
    };
    let theme = style().theme;
    assert_eq!(
        Some(of(ReplayLayer::Order)),
        theme.style(crate::theme::Role::Order6).fg
    );
    assert_eq!(of(ReplayLayer::Plain), Color::Reset);
}

#[test]
fn a_still_is_whole_xml_in_which_no_text_is_a_tag() {
    let svg = String::from_utf8(drawn(PictureFormat::Svg, PictureSpan::Still(6))).expect("UTF-8");
    assert!(svg.contains("&lt;b&gt;&amp;"), "{svg}");
    assert!(!svg.contains("<b>") && !svg.contains('\u{1b}'), "{svg}");
    assert!(
        !svg.contains("@keyframes") && !svg.contains("<script"),
        "{svg}"
    );
    assert!(
        !svg.replace("http://www.w3.org/2000/svg", "")
            .contains("://"),
        "it asks nobody"
    );
}

#[test]
fn a_film_moves_by_its_stylesheet_and_rests_on_its_end() {
    let svg = String::from_utf8(drawn(PictureFormat::Svg, PictureSpan::Film)).expect("UTF-8");
    assert!(
        svg.contains("prefers-reduced-motion: no-preference"),
        "{svg}"
    );
    // What is drawn without motion is the last picture: each of its texts is in no hidden group.
    let visible: String = svg
        .lines()
        .scan(false, |hidden, line| {
            if line.contains("<g ") {
                *hidden = line.contains("visibility=\"hidden\"");
            }
            let shown = !*hidden;
            if line.contains("</g>") {
                *hidden = false;
            }
            Some(if shown {
                format!("{line}\n")
            } else {
                String::new()
            })
        })
        .collect();
    assert!(
        visible.contains("step 6/6") && !visible.contains("step 3/6"),
        "{visible}"
    );
    assert!(!visible.contains("▒▒▒"), "{visible}");
}

#[test]
fn a_recording_draws_each_step_where_it_stood() {
    let turn = turn();
    let bytes = picture(&turn, PictureFormat::Cast, PictureSpan::Film, &style());
    let text = String::from_utf8(bytes.expect("it can be drawn")).expect("UTF-8");
    let lines: Vec<serde_json::Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("each line is JSON"))
        .collect();
    assert_eq!(
        (&lines[0]["version"], &lines[0]["width"]),
        (&2.into(), &40.into())
    );
    let markers: Vec<&str> = lines[1..]
        .iter()
        .filter(|line| line[1] == "m")
        .filter_map(|line| line[2].as_str())
        .collect();
    assert_eq!(markers, ["block 1/1"]);
    let times: Vec<f64> = lines[1..]
        .iter()
        .filter_map(|line| line[0].as_f64())
        .collect();
    assert!(times.is_sorted(), "{times:?}");
    assert_eq!(cast([], "x").expect("nothing is no error"), "");
}

#[test]
fn a_terminal_that_plays_a_recording_shows_the_cells_of_every_picture() {
    let turn = turn();
    let style = style();
    let pictures: Vec<CastPicture> = recorded(&turn, &style).collect();
    let area = pictures[0].buffer.area;
    let cells = |n: u16| std::num::NonZeroU16::new(n).expect("not zero");
    let mut parser = vt100::Parser::new(cells(area.height), cells(area.width), 0);
    let text = cast(pictures.clone(), "x").expect("it can be written");
    let outputs: Vec<serde_json::Value> = text
        .lines()
        .skip(1)
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .filter(|event: &serde_json::Value| event[1] == "o")
        .collect();
    assert_eq!(
        outputs.len(),
        pictures.len(),
        "each step of this run changes something"
    );
    for (number, (event, picture)) in outputs.iter().zip(&pictures).enumerate() {
        parser.process(event[2].as_str().expect("it is text").as_bytes());
        for y in 0..area.height {
            for x in 0..area.width {
                let (cell, drawn) = (parser.screen().cell(y, x), &picture.buffer[(x, y)]);
                let cell = cell.expect("it is on the screen");
                if cell.is_wide_continuation() {
                    continue;
                }
                let symbol = match cell.contents() {
                    "" => " ",
                    symbol => symbol,
                };
                assert_eq!(symbol, drawn.symbol(), "picture {number}, {x} {y}");
                let colour = match cell.fgcolor() {
                    vt100::Color::Rgb(red, green, blue) => Some((red, green, blue)),
                    vt100::Color::Default | vt100::Color::Idx(_) => None,
                };
                if symbol != " " {
                    assert_eq!(colour, rgb(drawn.fg), "picture {number}, {x} {y}");
                    let bold = ratatui::style::Modifier::BOLD;
                    assert_eq!(cell.bold(), drawn.modifier.contains(bold));
                }
            }
        }
    }
}

#[test]
fn what_stands_does_not_move_and_what_moves_does_not_stand() {
    for (format, span) in [
        (PictureFormat::Png, PictureSpan::Film),
        (PictureFormat::Cast, PictureSpan::Still(1)),
        (PictureFormat::Gif, PictureSpan::Still(1)),
        (PictureFormat::Apng, PictureSpan::Still(1)),
    ] {
        let refused = picture(&turn(), format, span, &style());
        assert!(matches!(refused, Err(PictureError::Span(_))), "{format:?}");
    }
}

#[test]
fn colours_of_every_depth_are_written_in_six_digits() {
    for (colour, expected) in [
        (Color::Rgb(1, 2, 3), "#010203"),
        (Color::Indexed(16), "#000000"),
        (Color::Indexed(231), "#ffffff"),
        (Color::Indexed(232), "#080808"),
        (Color::White, "#eaeaea"),
    ] {
        assert_eq!(hex(colour).as_deref(), Some(expected));
    }
    assert_eq!(rgb(Color::Reset), None);
}

#[cfg(feature = "pictures")]
mod pixels;
