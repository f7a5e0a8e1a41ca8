//! Cells as pixels: PNG, APNG and GIF, drawn from the SVG, so that there is one layout.

use std::borrow::Cow;
use std::collections::HashMap;
use std::iter::once;
use std::sync::Arc;

use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier};
use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{Options, Tree};

use super::error::PictureError;
use super::style::{Fonts, Paper, PictureStyle};
use super::svg::{rgb, svg_still};

const REGULAR: &[u8] = include_bytes!("../../fonts/DejaVuSansMono.ttf");
const BOLD: &[u8] = include_bytes!("../../fonts/DejaVuSansMono-Bold.ttf");
/// Pixels of a picture at most, so that no scale takes all memory.
const MOST: f32 = 64.0 * 1024.0 * 1024.0;

/// Draws pictures as pixels.
pub(super) struct Painter {
    options: Options<'static>,
    paper: Paper,
    scale: f32,
}

/// Opaque pixels of one picture, four bytes each.
#[derive(Clone, PartialEq)]
pub(super) struct Pixels {
    width: u32,
    height: u32,
    rgba: Vec<u8>,
}

/// Where two pictures differ.
#[derive(Clone, Copy)]
struct Changed {
    left: u32,
    top: u32,
    width: u32,
    height: u32,
}

impl Painter {
    pub(super) fn new(style: &PictureStyle) -> Self {
        let mut options = Options::default();
        let fonts = options.fontdb_mut();
        for font in [REGULAR, BOLD] {
            fonts.load_font_source(resvg::usvg::fontdb::Source::Binary(Arc::new(font)));
        }
        if style.fonts == Fonts::System {
            fonts.load_system_fonts();
        }
        fonts.set_monospace_family("DejaVu Sans Mono");
        options.font_family = "DejaVu Sans Mono".to_owned();
        Self {
            options,
            paper: style.paper(),
            scale: style.scale,
        }
    }

    pub(super) fn paint(&self, buffer: &Buffer) -> Result<Pixels, PictureError> {
        let mut buffer = buffer.clone();
        for cell in &mut buffer.content {
            // No carried font has the sign of an end token.
            if cell.symbol() == "␃" {
                cell.set_symbol("⊣");
            }
        }
        let svg = svg_still(&buffer, self.paper);
        self.paint_svg(&svg)
    }

    pub(super) fn paint_svg(&self, svg: &str) -> Result<Pixels, PictureError> {
        let tree = Tree::from_str(svg, &self.options)
            .map_err(|error| PictureError::Drawing(error.to_string()))?;
        let size = tree.size();
        let (width, height) = (size.width() * self.scale, size.height() * self.scale);
        if width * height > MOST {
            return Err(PictureError::TooLarge {
                width: width as u32,
                height: height as u32,
            });
        }
        let pixmap = Pixmap::new(width.round() as u32, height.round() as u32);
        let mut pixmap = pixmap.ok_or(PictureError::Drawing("it has no pixels".to_owned()))?;
        let (red, green, blue) = rgb(self.paper.ground).unwrap_or_default();
        pixmap.fill(resvg::tiny_skia::Color::from_rgba8(red, green, blue, 255));
        let scale = Transform::from_scale(self.scale, self.scale);
        resvg::render(&tree, scale, &mut pixmap.as_mut());
        Ok(Pixels {
            width: pixmap.width(),
            height: pixmap.height(),
            rgba: pixmap.take(),
        })
    }
}

impl Pixels {
    fn at(&self, x: u32, y: u32) -> [u8; 4] {
        let start = ((y * self.width + x) * 4) as usize;
        let pixel = &self.rgba[start..start + 4];
        [pixel[0], pixel[1], pixel[2], pixel[3]]
    }

    fn whole(&self) -> Changed {
        Changed {
            left: 0,
            top: 0,
            width: self.width,
            height: self.height,
        }
    }

    /// The smallest rectangle that holds all that is other than `before`; one pixel if nothing is.
    fn changed(&self, before: &Self) -> Changed {
        let (mut left, mut top, mut right, mut bottom) = (self.width, self.height, 0, 0);
        for y in 0..self.height {
            for x in 0..self.width {
                if self.at(x, y) != before.at(x, y) {
                    (left, top) = (left.min(x), top.min(y));
                    (right, bottom) = (right.max(x + 1), bottom.max(y + 1));
                }
            }
        }
        if left >= right {
            (left, top, right, bottom) = (0, 0, 1, 1);
        }
        Changed {
            left,
            top,
            width: right - left,
            height: bottom - top,
        }
    }

    fn part(&self, part: Changed) -> impl Iterator<Item = [u8; 4]> + '_ {
        (part.top..part.top + part.height)
            .flat_map(move |y| (part.left..part.left + part.width).map(move |x| self.at(x, y)))
    }
}

/// A picture for so many seconds, painted when it is asked for: a film of them would fill the memory.
pub(super) type Painted = Result<(Pixels, f32), PictureError>;

/// One picture.
pub(super) fn png(pixels: Pixels) -> Result<Vec<u8>, PictureError> {
    apng(1, once(Ok((pixels, 0.0))))
}

/// So many pictures in full colour, each for so many seconds; of all but the first what has changed. One alone does not move.
pub(super) fn apng(
    count: usize,
    mut pictures: impl Iterator<Item = Painted>,
) -> Result<Vec<u8>, PictureError> {
    let wrong = |error: png::EncodingError| PictureError::Drawing(error.to_string());
    let mut bytes = Vec::new();
    let Some(first) = pictures.next() else {
        return Ok(bytes);
    };
    let (first, seconds) = first?;
    let mut encoder = png::Encoder::new(&mut bytes, first.width, first.height);
    encoder.set_color(png::ColorType::Rgba);
    encoder.set_depth(png::BitDepth::Eight);
    if count > 1 {
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        encoder.set_animated(count, 0).map_err(wrong)?;
    }
    let mut writer = encoder.write_header().map_err(wrong)?;
    let mut before: Option<Pixels> = None;
    for picture in once(Ok((first, seconds))).chain(pictures) {
        let (pixels, seconds) = picture?;
        let part = (before.as_ref()).map_or(pixels.whole(), |before| pixels.changed(before));
        if count > 1 {
            let delay = (seconds * 1000.0).clamp(20.0, 60_000.0) as u16;
            writer.set_frame_delay(delay, 1000).map_err(wrong)?;
            // Whichever comes first must fit with the other as it was.
            writer.set_frame_position(0, 0).map_err(wrong)?;
            writer
                .set_frame_dimension(part.width, part.height)
                .map_err(wrong)?;
            writer
                .set_frame_position(part.left, part.top)
                .map_err(wrong)?;
        }
        let data: Vec<u8> = pixels.part(part).flatten().collect();
        writer.write_image_data(&data).map_err(wrong)?;
        before = Some(pixels);
    }
    writer.finish().map_err(wrong)?;
    Ok(bytes)
}

/// Pictures in one palette, each for so many seconds; of all but the first what has changed.
pub(super) fn gif(
    mut pictures: impl Iterator<Item = Painted>,
    palette: &[[u8; 3]],
) -> Result<Vec<u8>, PictureError> {
    let wrong = |error: gif::EncodingError| PictureError::Drawing(error.to_string());
    let mut bytes = Vec::new();
    let Some(first) = pictures.next() else {
        return Ok(bytes);
    };
    let (first, seconds) = first?;
    let (across, down) = (first.width, first.height);
    let side = |pixels: u32| {
        u16::try_from(pixels).map_err(|_| PictureError::TooLarge {
            width: across,
            height: down,
        })
    };
    let colours: Vec<u8> = palette.iter().flatten().copied().collect();
    let (width, height) = (side(across)?, side(down)?);
    let mut encoder = gif::Encoder::new(&mut bytes, width, height, &colours).map_err(wrong)?;
    encoder.set_repeat(gif::Repeat::Infinite).map_err(wrong)?;
    let mut known = HashMap::new();
    let mut before: Option<Pixels> = None;
    for picture in once(Ok((first, seconds))).chain(pictures) {
        let (pixels, seconds) = picture?;
        let part = (before.as_ref()).map_or(pixels.whole(), |before| pixels.changed(before));
        let indices: Vec<u8> = pixels
            .part(part)
            .map(|pixel| {
                *known
                    .entry(pixel)
                    .or_insert_with(|| nearest(palette, pixel))
            })
            .collect();
        let frame = gif::Frame {
            delay: (seconds * 100.0).round().clamp(2.0, 6_000.0) as u16,
            dispose: gif::DisposalMethod::Keep,
            left: side(part.left)?,
            top: side(part.top)?,
            width: side(part.width)?,
            height: side(part.height)?,
            buffer: Cow::Owned(indices),
            ..gif::Frame::default()
        };
        encoder.write_frame(&frame).map_err(wrong)?;
        before = Some(pixels);
    }
    drop(encoder);
    Ok(bytes)
}

/// The colours that letters have on their grounds, with those of their edges between them: 256 at most.
pub(super) fn palette<'a>(buffers: impl Iterator<Item = &'a Buffer>, paper: Paper) -> Vec<[u8; 3]> {
    let mut pairs: Vec<([u8; 3], [u8; 3])> = Vec::new();
    let array = |colour: Color, own: Color| {
        let (red, green, blue) = rgb(colour).or(rgb(own)).unwrap_or_default();
        [red, green, blue]
    };
    for buffer in buffers {
        for cell in &buffer.content {
            let mut text = array(cell.fg, paper.text);
            let mut ground = array(cell.bg, paper.ground);
            if cell.modifier.contains(Modifier::REVERSED) {
                (text, ground) = (ground, text);
            }
            if !pairs.contains(&(text, ground)) {
                pairs.push((text, ground));
            }
        }
    }
    let levels = (256 / pairs.len().max(1)).clamp(2, 32) as u16;
    let mut palette: Vec<[u8; 3]> = Vec::new();
    for level in 0..levels {
        for (text, ground) in &pairs {
            let mixed: [u8; 3] = std::array::from_fn(|at| {
                let (from, to) = (u16::from(ground[at]), u16::from(text[at]));
                let (near, far) = (level, levels - 1 - level);
                ((from * far + to * near) / (levels - 1)) as u8
            });
            if palette.len() < 256 && !palette.contains(&mixed) {
                palette.push(mixed);
            }
        }
    }
    palette
}

fn nearest(palette: &[[u8; 3]], pixel: [u8; 4]) -> u8 {
    let distance = |colour: &[u8; 3]| -> u32 {
        let parts = colour.iter().zip(pixel);
        parts.map(|(&a, b)| u32::from(a.abs_diff(b)).pow(2)).sum()
    };
    let all = palette.iter().enumerate();
    let found = all.min_by_key(|(_, colour)| distance(colour));
    found.map_or(0, |(at, _)| u8::try_from(at).unwrap_or(0))
}
