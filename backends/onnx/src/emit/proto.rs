//! A graph to a file of the ONNX format, `model.onnx`, for other programs to open.
//!
//! Weights stay outside. Those that a mapped file holds as they are keep that file, which is linked into the folder, or
//! copied if it lies on another disk; all others go to `model.onnx.data`. A reader of the format refuses files that lie
//! outside the model's folder, so nothing can point there.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufWriter, Read as _, Write};
use std::path::{Path, PathBuf};

use prost::Message;
use unmask_sdk::{BackendError, Meter, Progress};

use super::messages::*;
use crate::graph::{
    Attribute, CONTRIB_OPSET, Data, Dim, Graph, Initialiser, Node, OPSET, OperatorDomain, Port,
    Value,
};

/// The file's own name.
const MODEL: &str = "model.onnx";
/// What holds weights that no other file does.
const REST: &str = "model.onnx.data";
/// Weights below this size lie in the model itself.
const SMALLEST_OUTSIDE: usize = 1024;
/// The version of the format that opset 21 asks for.
const IR_VERSION: i64 = 10;
/// Bytes of a file between two looks whether to go on.
const COPIED_AT_ONCE: u64 = 64 << 20;
/// Where weights in [`REST`] begin: multiples of a page, so that they can be mapped.
const ALIGNMENT: usize = 4096;

/// Writes `graph` into `folder`.
///
/// # Errors
/// [`BackendError::Io`] naming the file that cannot be written; [`BackendError::Cancelled`].
pub(crate) fn write(
    graph: &Graph,
    doc: &str,
    folder: &Path,
    progress: &Progress<'_>,
) -> Result<(), BackendError> {
    let mut outside = Outside::new(graph, folder, progress)?;
    let tensors = graph.initialisers.iter().map(|it| outside.tensor(it));
    let initializer = tensors.collect::<Result<_, _>>()?;
    outside.finish()?;
    let model = model(graph, doc, initializer);
    let path = folder.join(MODEL);
    fs::write(&path, model.encode_to_vec()).map_err(|source| BackendError::Io { path, source })
}

fn model(graph: &Graph, doc: &str, initializer: Vec<TensorProto>) -> ModelProto {
    let opset = |domain: OperatorDomain, version: u32| OperatorSetId {
        domain: Some(domain.name().to_owned()),
        version: Some(version.into()),
    };
    ModelProto {
        ir_version: Some(IR_VERSION),
        producer_name: Some("unmask".to_owned()),
        producer_version: Some(env!("CARGO_PKG_VERSION").to_owned()),
        doc_string: Some(doc.to_owned()),
        graph: Some(GraphProto {
            node: graph.nodes.iter().enumerate().map(node).collect(),
            name: Some("denoise".to_owned()),
            initializer,
            input: graph.inputs.iter().map(port).collect(),
            output: graph.outputs.iter().map(port).collect(),
        }),
        opset_import: vec![
            opset(OperatorDomain::Onnx, OPSET),
            opset(OperatorDomain::Contrib, CONTRIB_OPSET),
        ],
    }
}

fn node((index, node): (usize, &Node)) -> NodeProto {
    let names = |values: &[Value]| values.iter().map(|value| value.0.to_string()).collect();
    let attribute = |(name, value): &(&str, Attribute)| {
        let (i, ints, kind) = match value {
            Attribute::Int(number) => (Some(*number), Vec::new(), attribute_type::INT),
            Attribute::Ints(numbers) => (None, numbers.clone(), attribute_type::INTS),
        };
        AttributeProto {
            name: Some((*name).to_owned()),
            i,
            ints,
            r#type: Some(kind),
        }
    };
    NodeProto {
        input: names(&node.inputs),
        output: names(&node.outputs),
        name: Some(node.name(index)),
        op_type: Some(node.operator.to_owned()),
        attribute: node.attributes.iter().map(attribute).collect(),
        domain: Some(node.domain.name().to_owned()),
    }
}

fn port(port: &Port) -> ValueInfoProto {
    let dimension = |dim: &Dim| match dim {
        Dim::Fixed(length) => Dimension {
            dim_value: Some(*length as i64),
            dim_param: None,
        },
        Dim::Free(name) => Dimension {
            dim_value: None,
            dim_param: Some((*name).to_owned()),
        },
    };
    let shape = TensorShape {
        dim: port.shape.iter().map(dimension).collect(),
    };
    let tensor_type = TensorType {
        elem_type: Some(port.kind.code()),
        shape: Some(shape),
    };
    ValueInfoProto {
        name: Some(port.name.0.to_string()),
        r#type: Some(TypeProto {
            tensor_type: Some(tensor_type),
        }),
    }
}

/// The files beside the model.
struct Outside<'a> {
    folder: &'a Path,
    meter: Meter<'a>,
    /// Names in the folder, by the files they are linked to.
    linked: BTreeMap<PathBuf, String>,
    /// Made when it is needed.
    rest: Option<BufWriter<File>>,
    rest_bytes: usize,
}

impl<'a> Outside<'a> {
    fn new(
        graph: &Graph,
        folder: &'a Path,
        progress: &'a Progress<'a>,
    ) -> Result<Self, BackendError> {
        let bytes = |it: &Initialiser| it.data.bytes().len() as u64;
        let total = graph.initialisers.iter().map(bytes).sum();
        Ok(Self {
            folder,
            meter: Meter::new(progress, "writing weights", total),
            linked: BTreeMap::new(),
            rest: None,
            rest_bytes: 0,
        })
    }

    fn tensor(&mut self, initialiser: &Initialiser) -> Result<TensorProto, BackendError> {
        let bytes = initialiser.data.bytes();
        let mut tensor = TensorProto {
            dims: initialiser.shape.iter().map(|it| *it as i64).collect(),
            data_type: Some(initialiser.kind.code()),
            name: Some(initialiser.name.0.to_string()),
            raw_data: None,
            external_data: Vec::new(),
            data_location: None,
        };
        if bytes.len() < SMALLEST_OUTSIDE {
            tensor.raw_data = Some(bytes.to_vec());
        } else {
            let (location, offset) = match initialiser.data.in_file() {
                Some((path, offset)) => (self.link(path)?, offset),
                None => self.append(bytes)?,
            };
            let entry = |key: &str, value: String| StringStringEntry {
                key: Some(key.to_owned()),
                value: Some(value),
            };
            tensor.data_location = Some(EXTERNAL);
            tensor.external_data = vec![
                entry("location", location),
                entry("offset", offset.to_string()),
                entry("length", bytes.len().to_string()),
            ];
        }
        self.meter.add(bytes.len() as u64)?;
        if let Data::Mapped { weights, name } = &initialiser.data {
            weights.release(name);
        }
        Ok(tensor)
    }

    /// The name in the folder of the file at `path`.
    fn link(&mut self, path: &Path) -> Result<String, BackendError> {
        if let Some(name) = self.linked.get(path) {
            return Ok(name.clone());
        }
        let io = |source| BackendError::Io {
            path: path.to_owned(),
            source,
        };
        // In the hub's cache the file is a link to where its bytes are.
        let real = path.canonicalize().map_err(io)?;
        let name = path.file_name().unwrap_or(path.as_os_str());
        let name = name.to_string_lossy().into_owned();
        let here = self.folder.join(&name);
        if fs::hard_link(&real, &here).is_err() {
            self.copy(&real, &here)?;
        }
        self.linked.insert(path.to_owned(), name.clone());
        Ok(name)
    }

    /// Copies a file, looking now and then whether the host still wants it.
    fn copy(&self, from: &Path, to: &Path) -> Result<(), BackendError> {
        let io = |path: &Path| {
            let path = path.to_owned();
            move |source| BackendError::Io { path, source }
        };
        let mut source = File::open(from).map_err(io(from))?;
        let mut copy = File::create(to).map_err(io(to))?;
        loop {
            let mut part = (&mut source).take(COPIED_AT_ONCE);
            if std::io::copy(&mut part, &mut copy).map_err(io(to))? == 0 {
                return Ok(());
            }
            self.meter.add(0)?;
        }
    }

    /// Adds `bytes` to the file of the rest and says where they begin.
    fn append(&mut self, bytes: &[u8]) -> Result<(String, usize), BackendError> {
        let path = self.folder.join(REST);
        let io = |source| BackendError::Io {
            path: path.clone(),
            source,
        };
        let start = self.rest_bytes.next_multiple_of(ALIGNMENT);
        let gap = vec![0; start - self.rest_bytes];
        let rest = match &mut self.rest {
            Some(rest) => rest,
            none => none.insert(BufWriter::new(File::create(&path).map_err(io)?)),
        };
        rest.write_all(&gap).map_err(io)?;
        rest.write_all(bytes).map_err(io)?;
        self.rest_bytes = start + bytes.len();
        Ok((REST.to_owned(), start))
    }

    fn finish(&mut self) -> Result<(), BackendError> {
        let Some(mut rest) = self.rest.take() else {
            return Ok(());
        };
        rest.flush().map_err(|source| BackendError::Io {
            path: self.folder.join(REST),
            source,
        })
    }
}
