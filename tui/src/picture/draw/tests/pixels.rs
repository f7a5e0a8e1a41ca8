use super::super::super::pixels::{Painter, palette};
use super::*;

/// The frames of a PNG as whole pictures, with how long each stays in milliseconds.
fn decoded(bytes: &[u8]) -> Vec<(Vec<u8>, u32)> {
    let mut reader = png::Decoder::new(std::io::Cursor::new(bytes))
        .read_info()
        .expect("it is a PNG");
    let (width, height) = (reader.info().width as usize, reader.info().height as usize);
    let frames = reader
        .info()
        .animation_control()
        .map_or(1, |it| it.num_frames);
    let mut canvas = vec![0; width * height * 4];
    let mut shown = Vec::new();
    for _ in 0..frames {
        let size = reader.output_buffer_size().expect("it has a size");
        let mut part = vec![0; size];
        reader.next_frame(&mut part).expect("the frame is whole");
        let (left, top, across, down, delay) = match reader.info().frame_control() {
            Some(it) => (
                it.x_offset as usize,
                it.y_offset as usize,
                it.width as usize,
                it.height as usize,
                u32::from(it.delay_num) * 1000 / u32::from(it.delay_den),
            ),
            None => (0, 0, width, height, 0),
        };
        for row in 0..down {
            let to = ((top + row) * width + left) * 4;
            let from = row * across * 4;
            canvas[to..to + across * 4].copy_from_slice(&part[from..from + across * 4]);
        }
        shown.push((canvas.clone(), delay));
    }
    shown
}

#[test]
fn a_png_is_what_its_svg_is_and_holds_its_colours() {
    let png = drawn(PictureFormat::Png, PictureSpan::Still(6));
    let frames = decoded(&png);
    assert_eq!(frames.len(), 1);
    let painter = Painter::new(&style());
    let svg = String::from_utf8(drawn(PictureFormat::Svg, PictureSpan::Still(6)));
    let svg = svg.expect("UTF-8").replace('␃', "⊣");
    let of_svg = painter.paint_svg(&svg).expect("it can be drawn");
    let again = painter
        .paint(&still(&turn(), 6, &style()))
        .expect("it can be drawn");
    assert!(of_svg == again, "pixels of the SVG are those of the PNG");
    // Letters in the accent's colour are there.
    let accent = style()
        .theme
        .style(crate::theme::Role::Accent)
        .fg
        .and_then(rgb);
    let accent = accent.expect("the theme has colours");
    let is_it = |pixel: &[u8]| (pixel[0], pixel[1], pixel[2]) == accent;
    assert!(frames[0].0.chunks(4).any(is_it));
}

#[test]
fn a_film_without_motion_is_its_last_still() {
    let painter = Painter::new(&style());
    let film = String::from_utf8(drawn(PictureFormat::Svg, PictureSpan::Film)).expect("UTF-8");
    let pace = style().pace.pictures(6).0;
    let rows = rows_needed(&turn(), &pace, &style());
    let last = frame(&turn(), 6, &style(), rows);
    let still = super::super::svg_still(&last, style().paper());
    let film = painter.paint_svg(&film).expect("it can be drawn");
    let still = painter.paint_svg(&still).expect("it can be drawn");
    assert!(film == still);
}

#[test]
fn an_apng_holds_every_picture_whole_and_rests_on_the_last() {
    let frames = decoded(&drawn(PictureFormat::Apng, PictureSpan::Film));
    assert_eq!(frames.len(), 7);
    assert_eq!(frames[6].1, 3000);
    assert!(
        frames[..6]
            .iter()
            .all(|(_, delay)| (20..=250).contains(delay))
    );
    let with_rows = PictureStyle {
        rows: Some(rows_needed(&turn(), &[0, 1, 2, 3, 4, 5, 6], &style())),
        ..style()
    };
    for (count, (pixels, _)) in frames.iter().enumerate() {
        let span = PictureSpan::Still(count);
        let png = picture(&turn(), PictureFormat::Png, span, &with_rows);
        let png = decoded(&png.expect("it can be drawn"));
        assert!(png[0].0 == *pixels, "picture {count}");
    }
}

#[test]
fn a_gif_is_near_the_apng_in_256_colours() {
    let gif = drawn(PictureFormat::Gif, PictureSpan::Film);
    assert!(gif.len() < 2 << 20, "{} bytes", gif.len());
    let mut options = gif::DecodeOptions::new();
    options.set_color_output(gif::ColorOutput::RGBA);
    let mut decoder = options.read_info(&gif[..]).expect("it is a GIF");
    let (width, height) = (usize::from(decoder.width()), usize::from(decoder.height()));
    let mut canvas = vec![0_u8; width * height * 4];
    let expected = decoded(&drawn(PictureFormat::Apng, PictureSpan::Film));
    let mut shown = 0;
    while let Some(part) = decoder.read_next_frame().expect("the frame is whole") {
        let across = usize::from(part.width) * 4;
        for row in 0..usize::from(part.height) {
            let to = ((usize::from(part.top) + row) * width + usize::from(part.left)) * 4;
            canvas[to..to + across].copy_from_slice(&part.buffer[row * across..][..across]);
        }
        assert!(part.delay >= 2);
        let apart = canvas.iter().zip(&expected[shown].0);
        let worst = apart.map(|(a, b)| a.abs_diff(*b)).max().unwrap_or(0);
        assert!(worst <= 24, "picture {shown}: {worst} of 255 apart");
        shown += 1;
    }
    assert_eq!(shown, expected.len());
}

#[test]
fn a_palette_has_256_colours_at_most_and_the_pure_ones_among_them() {
    let buffer = still(&turn(), 6, &style());
    let colours = palette(std::iter::once(&buffer), style().paper());
    assert!(colours.len() <= 256);
    for cell in &buffer.content {
        let (red, green, blue) = rgb(cell.fg)
            .or(rgb(style().paper().text))
            .expect("a colour");
        assert!(colours.contains(&[red, green, blue]));
    }
}

#[test]
fn more_pixels_than_is_sensible_are_refused() {
    let huge = PictureStyle {
        scale: 100.0,
        ..style()
    };
    let refused = picture(&turn(), PictureFormat::Png, PictureSpan::Still(6), &huge);
    assert!(matches!(refused, Err(PictureError::TooLarge { .. })));
}

#[test]
fn a_picture_is_the_same_whoever_draws_it() {
    let turn = Arc::new(turn());
    let draw = || picture(&turn, PictureFormat::Png, PictureSpan::Still(4), &style());
    assert_eq!(draw(), draw());
}

#[test]
fn a_card_has_the_size_in_which_links_are_shown() {
    let card = PictureStyle {
        chrome: Chrome::Card,
        layer: ReplayLayer::Order,
        fonts: Fonts::Bundled,
        ..PictureStyle::default()
    };
    for words in [1, 60, 2000] {
        let mut turn = turn();
        turn.prompt = "why ".repeat(words);
        let drawn = picture(&turn, PictureFormat::Png, PictureSpan::Still(6), &card);
        let bytes = drawn.expect("it can be drawn");
        let reader = png::Decoder::new(std::io::Cursor::new(&bytes)).read_info();
        let reader = reader.expect("it is a PNG");
        assert_eq!((reader.info().width, reader.info().height), (1200, 630));
    }
}
