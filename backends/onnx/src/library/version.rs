use std::fmt;
use std::path::Path;

/// A version of ONNX Runtime 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Version {
    /// The middle number, which is that of its API.
    pub(crate) minor: u32,
    /// The last one.
    pub(crate) patch: u32,
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "1.{}.{}", self.minor, self.patch)
    }
}

/// The version in a name, wherever it stands: in `libonnxruntime.so.1.32.0` and `1.31.1-cuda`.
pub(super) fn in_name(name: &str) -> Option<Version> {
    let is_digit = |c: char| c.is_ascii_digit();
    let numbers = name.split(|c: char| !is_digit(c) && c != '.');
    numbers.map(|word| word.trim_matches('.')).find_map(|word| {
        let mut parts = word.split('.').map(str::parse);
        match (parts.next()?, parts.next()?, parts.next(), parts.next()) {
            (Ok(1), Ok(minor), Some(Ok(patch)), None) => Some(Version { minor, patch }),
            _ => None,
        }
    })
}

/// The version of the library at `path`: as its file is called, links resolved, else as its folder is.
pub(super) fn of_library(path: &Path) -> Option<Version> {
    let real = path.canonicalize().ok();
    let path = real.as_deref().unwrap_or(path);
    let name = |path: &Path| in_name(path.file_name()?.to_str()?);
    name(path).or_else(|| name(path.parent()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, version: Option<(u32, u32)>) {
        let version = version.map(|(minor, patch)| Version { minor, patch });
        assert_eq!(in_name(name), version, "{name}");
    }

    #[test]
    fn a_version_is_read_out_of_names() {
        check("libonnxruntime.so.1.32.0", Some((32, 0)));
        check("libonnxruntime.1.32.0.dylib", Some((32, 0)));
        check("1.24.4-directml", Some((24, 4)));
        check("onnxruntime_gpu-1.31.1-cp312", Some((31, 1)));
        check("libonnxruntime.so", None);
        check("libonnxruntime.so.1", None);
        check("capi", None);
        check("2.0.0-cpu", None);
        check("1.2.3.4", None);
    }
}
