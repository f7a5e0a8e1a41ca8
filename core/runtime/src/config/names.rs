use super::Origin;
use crate::settings::TABLE;

/// How the layers above the file name a key that is not a setting of denoising.
struct Names {
    key: &'static str,
    flag: &'static str,
    variable: &'static str,
    meaning: &'static str,
}

const NAMES: [Names; 8] = [
    Names {
        key: "model",
        flag: "--model",
        variable: "UNMASK_MODEL",
        meaning: "key, hub id or folder of the model",
    },
    Names {
        key: "framework",
        flag: "--backend",
        variable: "UNMASK_BACKEND",
        meaning: "backend of every model",
    },
    Names {
        key: "device",
        flag: "--device",
        variable: "UNMASK_DEVICE",
        meaning: "device of every model",
    },
    Names {
        key: "precision",
        flag: "--precision",
        variable: "UNMASK_PRECISION",
        meaning: "precision of every model",
    },
    Names {
        key: "threads",
        flag: "--threads",
        variable: "UNMASK_THREADS",
        meaning: "threads to compute with",
    },
    Names {
        key: "isolated",
        flag: "--isolate",
        variable: "UNMASK_ISOLATED",
        meaning: "backends in processes of their own: true or false",
    },
    Names {
        key: "models_folder",
        flag: "--models-folder",
        variable: "UNMASK_MODELS",
        meaning: "folder that holds models",
    },
    Names {
        key: "backend_paths",
        flag: "--backend-path",
        variable: "UNMASK_BACKEND_PATHS",
        meaning: "folders or files to look for backends, as in PATH",
    },
];

/// Every environment variable that the configuration reads, with its meaning, for help texts.
pub fn variables() -> impl Iterator<Item = (&'static str, &'static str)> {
    let first = [("UNMASK_CONFIG", "the configuration file")];
    let last = [
        ("HF_HUB_CACHE", "the Hugging Face hub's cache"),
        ("HF_HOME", "Hugging Face's folder, whose `hub` is the cache"),
        (
            "XDG_CACHE_HOME",
            "parent of `huggingface`, if the two above are not set",
        ),
        (
            "HF_TOKEN",
            "who asks the hub; else the file that `hf auth login` writes",
        ),
        ("HF_ENDPOINT", "where the hub is"),
        ("HF_HUB_OFFLINE", "1: the hub is never asked"),
    ];
    let named = NAMES.iter().map(|it| (it.variable, it.meaning));
    let settings = TABLE.iter().map(|it| (it.variable, it.help));
    first.into_iter().chain(named).chain(settings).chain(last)
}

/// The variable that says a key.
pub(super) fn variable(key: &'static str) -> &'static str {
    let named = NAMES.iter().find(|it| it.key == key);
    let setting = || TABLE.iter().find(|it| it.key == key);
    let variable = named.map(|it| it.variable);
    variable
        .or_else(|| setting().map(|it| it.variable))
        .unwrap_or(key)
}

/// A key said by its variable.
pub(super) fn by_variable(key: &'static str) -> Origin {
    Origin::Variable(variable(key))
}

/// A key said by its flag.
pub(super) fn by_flag(key: &'static str) -> Origin {
    let named = NAMES.iter().find(|it| it.key == key).map(|it| it.flag);
    let setting = || TABLE.iter().find(|it| it.key == key);
    Origin::Flag(
        named
            .or_else(|| setting().map(|it| it.flag.name()))
            .unwrap_or(key),
    )
}
