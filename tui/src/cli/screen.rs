use clap::{Args, ValueEnum};
use unmask::ColorChoice;
use unmask::preferences::Preferences;

/// How the screen looks, above `config.toml` and the environment.
#[derive(Debug, Args)]
#[command(next_help_heading = "Screen")]
pub(crate) struct ScreenFlags {
    /// Whether to use colours
    #[arg(long, global = true)]
    color: Option<ColorWord>,
    /// Its theme: auto, dark, light, gradio, mono, or a file of yours
    #[arg(long, global = true, value_name = "NAME")]
    theme: Option<String>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum ColorWord {
    Auto,
    Never,
}

impl ScreenFlags {
    /// The theme, if one is named.
    pub(crate) fn theme(&self) -> Option<&str> {
        self.theme.as_deref()
    }

    /// Lets the flags win.
    pub(crate) fn change(&self, preferences: &mut Preferences) {
        if let Some(word) = self.color {
            preferences.color = match word {
                ColorWord::Auto => ColorChoice::Auto,
                ColorWord::Never => ColorChoice::Never,
            };
        }
        if let Some(theme) = &self.theme {
            preferences.theme.clone_from(theme);
        }
    }
}
