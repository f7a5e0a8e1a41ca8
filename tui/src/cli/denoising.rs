use std::ffi::OsStr;

use clap::builder::{PossibleValue, TypedValueParser};
use clap::error::Error;
use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches};
use unmask_core::settings::{Definition, Domain, Flag, GenerationPatch, SettingValue, TABLE};

/// How to denoise; what is left out comes from the configuration and the model.
#[derive(Debug, Clone)]
pub(crate) struct DenoisingArguments {
    patch: GenerationPatch,
    preset: Option<String>,
}

/// Settings by name.
const PRESET: &str = "preset";

impl DenoisingArguments {
    /// The flags as a layer of the configuration.
    pub(super) fn patch(&self) -> GenerationPatch {
        self.patch.clone()
    }

    /// The preset that goes below the flags.
    pub(super) fn preset(&self) -> Option<String> {
        self.preset.clone()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.patch == GenerationPatch::default() && self.preset.is_none()
    }
}

/// A flag for each row of the table.
impl Args for DenoisingArguments {
    fn augment_args(command: Command) -> Command {
        let preset = Arg::new(PRESET)
            .long(PRESET)
            .value_name("NAME")
            .help("Settings by name, for a published score: see `unmask presets`")
            .help_heading("Denoising");
        TABLE
            .iter()
            .fold(command.arg(preset), |command, row| command.arg(flag(row)))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for DenoisingArguments {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        let said = |row: &Definition| match row.flag {
            Flag::Takes(..) => matches.get_one::<SettingValue>(row.key).copied(),
            Flag::TurnsOn(_) => matches
                .get_flag(row.key)
                .then_some(SettingValue::Switch(true)),
            Flag::TurnsOff(_) => matches
                .get_flag(row.key)
                .then_some(SettingValue::Switch(false)),
        };
        let said = |row: &Definition| Some((row.setting, said(row)?));
        Ok(Self {
            patch: TABLE.iter().filter_map(said).collect(),
            preset: matches.get_one(PRESET).cloned(),
        })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

fn flag(row: &'static Definition) -> Arg {
    let others = row.others().map(|other| other.key);
    let name = row.flag.name().trim_start_matches('-');
    let flag = Arg::new(row.key)
        .long(name)
        .help(row.help)
        .help_heading("Denoising")
        .conflicts_with_all(others);
    match row.flag {
        Flag::Takes(_, value) => flag.value_name(value).value_parser(Reader(row.domain)),
        Flag::TurnsOn(_) | Flag::TurnsOff(_) => flag.action(ArgAction::SetTrue),
    }
}

/// Reads a value of this domain; its range is tested with those of the other layers.
#[derive(Debug, Clone)]
struct Reader(Domain);

impl TypedValueParser for Reader {
    type Value = SettingValue;

    fn parse_ref(
        &self,
        command: &Command,
        flag: Option<&Arg>,
        text: &OsStr,
    ) -> Result<SettingValue, Error> {
        let domain = self.0;
        let read = move |text: &str| {
            let value = domain.parse(text);
            value.map_err(|allowed| format!("write {allowed}"))
        };
        read.parse_ref(command, flag, text)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue>>> {
        match self.0 {
            Domain::Choice(words) => {
                Some(Box::new(words.iter().map(|it| PossibleValue::new(it.word))))
            }
            Domain::Count(_)
            | Domain::Number(_)
            | Domain::Optional(_)
            | Domain::Switch
            | Domain::Seed => None,
        }
    }
}
