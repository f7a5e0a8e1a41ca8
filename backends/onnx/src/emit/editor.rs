//! A graph to the runtime through its model editor interface: weights stay where they are, nothing is serialised.

#![expect(
    unsafe_code,
    reason = "the safe binding copies weights; the runtime's own interface borrows them"
)]

use std::ffi::CString;
use std::ptr::{NonNull, null_mut};

use ort::AsPointer;
use ort::editor::{self, Model, Opset};
use ort::memory::{AllocationDevice, AllocatorType, MemoryInfo, MemoryType};
use ort::operator::Attribute as OrtAttribute;
use ort::session::Session;
use ort::session::builder::SessionBuilder;
use ort::sys;
use ort::value::{Outlet, Shape, SymbolicDimensions, TensorElementType, ValueType};
use unmask_sdk::BackendError;

use crate::graph::{
    Attribute, CONTRIB_OPSET, Dim, ElementType, Graph, Initialiser, Node, OPSET, OperatorDomain,
    Port,
};
use crate::runtime::failed;

/// Tensors below this size have to be handed over as copies.
const SMALLEST_BORROWED: usize = 128;

/// Makes a session of `graph`, which has to live longer than the session: its initialisers are borrowed.
///
/// # Errors
/// [`BackendError::Device`] with the runtime's own words.
pub(crate) fn session(graph: &Graph, options: &SessionBuilder) -> Result<Session, BackendError> {
    let model = model(graph).map_err(|error| failed("take the network", error))?;
    model
        .into_session(options)
        .map_err(|error| failed("prepare the network", error))
}

fn model(graph: &Graph) -> ort::Result<Model> {
    let mut made = editor::Graph::new()?;
    made.set_inputs(graph.inputs.iter().map(outlet))?;
    made.set_outputs(graph.outputs.iter().map(outlet))?;
    for initialiser in &graph.initialisers {
        add(&mut made, initialiser)?;
    }
    for (index, each) in graph.nodes.iter().enumerate() {
        made.add_node(node(index, each)?)?;
    }
    let mut model = Model::new([
        Opset::new(OperatorDomain::Onnx.name(), OPSET)?,
        Opset::new(OperatorDomain::Contrib.name(), CONTRIB_OPSET)?,
    ])?;
    model.set_graph(made)?;
    Ok(model)
}

fn node(index: usize, node: &Node) -> ort::Result<editor::Node> {
    let attribute = |(name, value): &(&str, Attribute)| match value {
        Attribute::Int(number) => OrtAttribute::new(name, *number),
        Attribute::Ints(numbers) => OrtAttribute::new(name, numbers.clone()),
    };
    let attributes: Vec<OrtAttribute> = node
        .attributes
        .iter()
        .map(attribute)
        .collect::<ort::Result<_>>()?;
    let names = |values: &[crate::graph::Value]| -> Vec<String> {
        values.iter().map(|value| value.0.to_string()).collect()
    };
    editor::Node::new(
        node.operator,
        node.domain.name(),
        node.name(index),
        names(&node.inputs),
        names(&node.outputs),
        attributes,
    )
}

fn outlet(port: &Port) -> Outlet {
    let length = |dim: &Dim| match dim {
        Dim::Fixed(length) => *length as i64,
        Dim::Free(_) => -1,
    };
    Outlet::new(
        port.name.0.to_string(),
        ValueType::Tensor {
            ty: element(port.kind),
            shape: Shape::new(port.shape.iter().map(length)),
            // Names would not survive: 1.24 gives all free dimensions of a tensor the first one's, and then takes buffers
            // for equally long that are not.
            dimension_symbols: SymbolicDimensions::empty(port.shape.len()),
        },
    )
}

/// The runtime's word for a type.
pub(crate) fn element(kind: ElementType) -> TensorElementType {
    match kind {
        ElementType::F32 => TensorElementType::Float32,
        ElementType::F16 => TensorElementType::Float16,
        ElementType::Bf16 => TensorElementType::Bfloat16,
        ElementType::U8 => TensorElementType::Uint8,
        ElementType::I8 => TensorElementType::Int8,
        ElementType::I64 => TensorElementType::Int64,
    }
}

/// Hands over an initialiser by address. The safe binding takes only tensors in the runtime's own memory.
fn add(graph: &mut editor::Graph, initialiser: &Initialiser) -> ort::Result<()> {
    let name = CString::new(initialiser.name.0.as_bytes())?;
    let value = borrowed(initialiser)?;
    let bytes = initialiser.data.bytes().len();
    let add = editor::editor_api()?.AddInitializerToGraph;
    // SAFETY: the graph and the value are the runtime's own and alive; the value is the graph's from here on. Its memory
    // outlives the session, as `session` asks.
    unsafe {
        ort::Error::result_from_status(add(
            graph.ptr_mut(),
            name.as_ptr(),
            value.as_ptr(),
            bytes >= SMALLEST_BORROWED,
        ))
    }
}

fn borrowed(initialiser: &Initialiser) -> ort::Result<NonNull<sys::OrtValue>> {
    let memory = MemoryInfo::new(
        AllocationDevice::CPU,
        0,
        AllocatorType::Device,
        MemoryType::Default,
    )?;
    let shape: Vec<i64> = initialiser.shape.iter().map(|it| *it as i64).collect();
    let expected = initialiser.shape.iter().product::<usize>() * initialiser.kind.bytes();
    let bytes = initialiser.data.bytes();
    if bytes.len() != expected {
        return Err(ort::Error::new(format!(
            "{} has {} bytes, not {expected}",
            initialiser.name.0,
            bytes.len()
        )));
    }
    let mut value = null_mut();
    // SAFETY: there are as many bytes as shape and type ask for, and they outlive the value, as `session` asks. The runtime
    // only reads initialisers, although this function's type does not say so.
    unsafe {
        ort::Error::result_from_status((ort::api().CreateTensorWithDataAsOrtValue)(
            memory.ptr(),
            bytes.as_ptr().cast_mut().cast(),
            bytes.len(),
            shape.as_ptr(),
            shape.len(),
            element(initialiser.kind).into(),
            &mut value,
        ))?;
    }
    NonNull::new(value).ok_or_else(|| ort::Error::new("a tensor without an address"))
}
