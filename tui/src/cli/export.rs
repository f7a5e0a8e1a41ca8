use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, Subcommand, ValueEnum};
use unmask::picture::{Chrome, FilmPace, Fonts, PictureStyle, PromptShown};
use unmask::state::ReplayLayer;

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct ExportArguments {
    #[command(subcommand)]
    pub(crate) what: Option<ExportWhat>,
    /// The backend whose files are wanted
    #[arg(required = true)]
    pub(crate) name: Option<String>,
    /// The folder to write into; it is made, or empty
    #[arg(required = true)]
    pub(crate) folder: Option<PathBuf>,
    /// Write into a folder that is not empty, and replace files of the same names
    #[arg(long)]
    pub(crate) force: bool,
    /// No progress on stderr
    #[arg(short, long)]
    pub(crate) quiet: bool,
}

/// What is exported that is no model.
#[derive(Debug, Subcommand)]
pub(crate) enum ExportWhat {
    /// Write a run that `generate --trace` recorded as a page, a picture, a film, as text or as one JSON object
    Trace(ExportTraceArguments),
}

#[derive(Debug, Args)]
pub(crate) struct ExportTraceArguments {
    /// The recorded run
    pub(crate) file: PathBuf,
    /// What to write: a page, a picture (svg, png), a film (svg, apng, gif), a recording for asciinema (cast), the answer or a
    /// line a commit, one JSON object
    #[arg(long, value_name = "FORMAT")]
    pub(crate) to: TraceFormat,
    /// Where to write it; stdout if it is not said
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Which run of the file, counted from 1; the last one if it is not said
    #[arg(long, value_name = "N")]
    pub(crate) run: Option<usize>,
    /// For text, svg and png: the run after this many steps; `all` for a line a commit, or a film
    #[arg(long, value_name = "N|last|all")]
    pub(crate) step: Option<TraceStep>,
    #[command(flatten)]
    pub(crate) picture: PictureFlags,
    /// Replace a file that is there
    #[arg(long)]
    pub(crate) force: bool,
}

/// What a recorded run becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum TraceFormat {
    Html,
    Text,
    Json,
    Svg,
    Png,
    Apng,
    Gif,
    Cast,
}

/// How pictures are drawn.
#[derive(Debug, Args)]
pub(crate) struct PictureFlags {
    /// For pictures: columns and rows; as many rows as the run needs if only columns are said
    #[arg(long, value_name = "80x24", default_value = "80", value_parser = picture_size)]
    size: (u16, Option<u16>),
    /// For pictures: what the colours of tokens tell
    #[arg(
        long,
        visible_alias = "color",
        value_name = "WHAT",
        default_value = "confidence"
    )]
    colour: PictureColour,
    /// For pictures: whether the message that is answered is drawn
    #[arg(long, value_name = "WHAT", default_value = "show")]
    prompt: PromptFlag,
    /// For pictures: what is drawn beside the tokens; a card holds the answer, a bar for each token, the settings
    #[arg(long, value_name = "WHAT", default_value = "full")]
    chrome: ChromeFlag,
    /// For films: pictures a second at most
    #[arg(long, value_name = "N", default_value_t = 10.0, value_parser = above_zero)]
    fps: f32,
    /// For films: seconds at most
    #[arg(long, value_name = "N", default_value_t = 12.0, value_parser = above_zero)]
    seconds: f32,
    /// For pixels: how many to a point of the SVG
    #[arg(long, value_name = "X", default_value_t = 2.0, value_parser = above_zero)]
    scale: f32,
    /// For pixels: the carried font and the system's for what it lacks, or the carried one alone
    #[arg(long, value_name = "WHICH", default_value = "system")]
    fonts: FontsFlag,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum PictureColour {
    Confidence,
    Order,
    Entropy,
    None,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum PromptFlag {
    Show,
    Hide,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ChromeFlag {
    Full,
    Bare,
    Card,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum FontsFlag {
    System,
    Bundled,
}

impl PictureFlags {
    /// What they ask for, in this theme.
    pub(crate) fn style(&self, theme: unmask::theme::Theme) -> PictureStyle {
        let (columns, rows) = self.size;
        PictureStyle {
            columns,
            rows,
            theme,
            layer: match self.colour {
                PictureColour::Confidence => ReplayLayer::Confidence,
                PictureColour::Order => ReplayLayer::Order,
                PictureColour::Entropy => ReplayLayer::Entropy,
                PictureColour::None => ReplayLayer::Plain,
            },
            prompt: match self.prompt {
                PromptFlag::Show => PromptShown::Yes,
                PromptFlag::Hide => PromptShown::No,
            },
            chrome: match self.chrome {
                ChromeFlag::Full => Chrome::Full,
                ChromeFlag::Bare => Chrome::Bare,
                ChromeFlag::Card => Chrome::Card,
            },
            scale: self.scale,
            fonts: match self.fonts {
                FontsFlag::System => Fonts::System,
                FontsFlag::Bundled => Fonts::Bundled,
            },
            pace: FilmPace {
                fps: self.fps,
                seconds: self.seconds,
            },
        }
    }
}

fn picture_size(text: &str) -> Result<(u16, Option<u16>), &'static str> {
    const USAGE: &str = "columns from 20 to 400, and rows from 4 to 400 if you like: 80 or 80x24";
    let (columns, rows) = match text.split_once(['x', 'X', '×']) {
        None => (text, None),
        Some((columns, rows)) => (columns, Some(rows)),
    };
    let columns = columns.parse().map_err(|_| USAGE)?;
    let rows = rows.map(str::parse).transpose().map_err(|_| USAGE)?;
    match (20..=400).contains(&columns) && rows.is_none_or(|it| (4..=400).contains(&it)) {
        true => Ok((columns, rows)),
        false => Err(USAGE),
    }
}

fn above_zero(text: &str) -> Result<f32, &'static str> {
    let number: f32 = text.parse().map_err(|_| "a number above 0")?;
    match number.is_finite() && number > 0.0 {
        true => Ok(number),
        false => Err("a number above 0"),
    }
}

/// How much of a run is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TraceStep {
    /// Its end.
    Last,
    /// After this many steps.
    After(usize),
    /// Every commit.
    All,
}

impl FromStr for TraceStep {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "last" => Ok(Self::Last),
            "all" => Ok(Self::All),
            number => {
                (number.parse().map(Self::After)).map_err(|_| "a number of steps, `last` or `all`")
            }
        }
    }
}
