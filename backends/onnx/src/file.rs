//! A network that is in a file of the ONNX format already: opened, and held against what a session will bind.

use std::path::Path;

use ort::session::Session as Runner;
use ort::session::builder::SessionBuilder;
use ort::value::{Outlet, ValueType};
use unmask_sdk::BackendError;

use crate::emit::editor::element;
use crate::graph::{Dim, Graph, Port};
use crate::runtime::failed;

/// Makes a session of the file at `path`, whose inputs and outputs have to be those of `outline`.
///
/// # Errors
/// [`BackendError::Checkpoint`] naming the input or output that is another; [`BackendError::Device`] with the runtime's own
/// words.
pub(crate) fn session(
    path: &Path,
    outline: &Graph,
    builder: &mut SessionBuilder,
) -> Result<Runner, BackendError> {
    let runner = builder.commit_from_file(path);
    let runner = runner.map_err(|error| failed(format_args!("open {}", path.display()), error))?;
    let unlike = unlike("input", &outline.inputs, runner.inputs())
        .or_else(|| self::unlike("output", &outline.outputs, runner.outputs()));
    match unlike {
        None => Ok(runner),
        Some(what) => Err(BackendError::Checkpoint {
            path: path.to_owned(),
            what: format!("{what}; make the file with `unmask export` from this checkpoint"),
        }),
    }
}

/// The first difference, in words.
fn unlike(what: &str, ports: &[Port], found: &[Outlet]) -> Option<String> {
    for port in ports {
        let name = &port.name.0;
        let Some(outlet) = found.iter().find(|outlet| outlet.name() == name) else {
            return Some(format!("has no {what} {name:?}"));
        };
        if !fits(port, outlet.dtype()) {
            let (kind, shape) = (element(port.kind), described(port));
            let found = outlet.dtype();
            return Some(format!(
                "{what} {name:?} is {found}, but has to be {kind} {shape}"
            ));
        }
    }
    let is_known = |outlet: &&Outlet| ports.iter().any(|port| port.name.0 == outlet.name());
    let more = found.iter().find(|outlet| !is_known(outlet))?;
    Some(format!("has an unknown {what} {:?}", more.name()))
}

fn fits(port: &Port, found: &ValueType) -> bool {
    let ValueType::Tensor { ty, shape, .. } = found else {
        return false;
    };
    let fits = |(dim, length): (&Dim, &i64)| match dim {
        Dim::Fixed(fixed) => *length == *fixed as i64 || *length < 0,
        Dim::Free(_) => *length < 0,
    };
    *ty == element(port.kind)
        && shape.len() == port.shape.len()
        && port.shape.iter().zip(shape.iter()).all(fits)
}

/// Such as `[fed, 1]`.
fn described(port: &Port) -> String {
    let dims = port.shape.iter().map(|dim| match dim {
        Dim::Fixed(length) => length.to_string(),
        Dim::Free(name) => (*name).to_owned(),
    });
    format!("[{}]", dims.collect::<Vec<_>>().join(", "))
}
