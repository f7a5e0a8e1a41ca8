//! A network as a graph of ONNX operators: our own words, handed to the runtime or written to a file by `emit`.

mod data;

use std::borrow::Cow;

pub(crate) use data::{Data, ElementType};
use unmask_sdk::BackendError;

/// The opset of the standard operators; what is used of it has not changed in later ones.
pub(crate) const OPSET: u32 = 21;
/// The opset of ONNX Runtime's own operators.
pub(crate) const CONTRIB_OPSET: u32 = 1;

/// Whose operator it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OperatorDomain {
    /// The ONNX standard's.
    Onnx,
    /// ONNX Runtime's own, `com.microsoft`.
    Contrib,
}

impl OperatorDomain {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Onnx => "",
            Self::Contrib => "com.microsoft",
        }
    }
}

/// The name of an edge.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Value(pub(crate) Cow<'static, str>);

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Attribute {
    Int(i64),
    Ints(Vec<i64>),
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Node {
    pub(crate) operator: &'static str,
    pub(crate) domain: OperatorDomain,
    pub(crate) inputs: Vec<Value>,
    pub(crate) outputs: Vec<Value>,
    pub(crate) attributes: Vec<(&'static str, Attribute)>,
}

impl Node {
    /// Its name as node number `index` of its graph.
    pub(crate) fn name(&self, index: usize) -> String {
        format!("{}.{index}", self.operator)
    }
}

/// A weight or constant.
#[derive(Debug, Clone)]
pub(crate) struct Initialiser {
    pub(crate) name: Value,
    pub(crate) kind: ElementType,
    pub(crate) shape: Vec<usize>,
    pub(crate) data: Data,
}

/// One dimension of what goes in or comes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dim {
    Fixed(usize),
    /// Known only when a pass is computed.
    Free(&'static str),
}

/// Something that goes in or comes out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Port {
    pub(crate) name: Value,
    pub(crate) kind: ElementType,
    pub(crate) shape: Vec<Dim>,
}

/// Nodes in an order in which they can be computed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Graph {
    pub(crate) inputs: Vec<Port>,
    pub(crate) outputs: Vec<Port>,
    pub(crate) initialisers: Vec<Initialiser>,
    pub(crate) nodes: Vec<Node>,
}

impl Graph {
    /// Declares an input.
    pub(crate) fn input(
        &mut self,
        name: impl Into<String>,
        kind: ElementType,
        shape: &[Dim],
    ) -> Value {
        let name = Value(Cow::Owned(name.into()));
        self.inputs.push(Port {
            name: name.clone(),
            kind,
            shape: shape.to_vec(),
        });
        name
    }

    /// Declares an output; a node of that name makes it.
    pub(crate) fn output(&mut self, name: impl Into<String>, kind: ElementType, shape: &[Dim]) {
        self.outputs.push(Port {
            name: Value(Cow::Owned(name.into())),
            kind,
            shape: shape.to_vec(),
        });
    }

    /// Adds a weight.
    pub(crate) fn weight(
        &mut self,
        name: impl Into<String>,
        kind: ElementType,
        shape: &[usize],
        data: Data,
    ) -> Value {
        let name = Value(Cow::Owned(name.into()));
        self.initialisers.push(Initialiser {
            name: name.clone(),
            kind,
            shape: shape.to_vec(),
            data,
        });
        name
    }

    /// Adds a vector of integers, such as a shape.
    pub(crate) fn integers(&mut self, name: &str, numbers: &[i64]) -> Value {
        let bytes = numbers.iter().flat_map(|it| it.to_le_bytes()).collect();
        self.weight(name, ElementType::I64, &[numbers.len()], Data::Held(bytes))
    }

    /// Adds a single number.
    pub(crate) fn number(&mut self, name: &str, number: f32) -> Value {
        let bytes = number.to_le_bytes().to_vec();
        self.weight(name, ElementType::F32, &[], Data::Held(bytes))
    }

    /// Adds a node with one output.
    pub(crate) fn node(&mut self, operator: &'static str, inputs: &[&Value]) -> Value {
        self.with(operator, inputs, Vec::new())
    }

    /// Adds a node with one output and attributes.
    pub(crate) fn with(
        &mut self,
        operator: &'static str,
        inputs: &[&Value],
        attributes: Vec<(&'static str, Attribute)>,
    ) -> Value {
        let output = self.fresh(operator);
        self.push(
            OperatorDomain::Onnx,
            operator,
            inputs,
            &[&output],
            attributes,
        );
        output
    }

    /// Adds a node of ONNX Runtime's own with one output.
    pub(crate) fn contrib(
        &mut self,
        operator: &'static str,
        inputs: &[&Value],
        attributes: Vec<(&'static str, Attribute)>,
    ) -> Value {
        let output = self.fresh(operator);
        self.push(
            OperatorDomain::Contrib,
            operator,
            inputs,
            &[&output],
            attributes,
        );
        output
    }

    /// Adds a node whose output has a name that the outside knows.
    pub(crate) fn named(
        &mut self,
        name: impl Into<String>,
        operator: &'static str,
        inputs: &[&Value],
    ) -> Value {
        let output = Value(Cow::Owned(name.into()));
        self.push(
            OperatorDomain::Onnx,
            operator,
            inputs,
            &[&output],
            Vec::new(),
        );
        output
    }

    /// Adds a node with two outputs.
    pub(crate) fn pair(
        &mut self,
        operator: &'static str,
        inputs: &[&Value],
        attributes: Vec<(&'static str, Attribute)>,
    ) -> (Value, Value) {
        let name = self.fresh(operator).0;
        let outputs = ["low", "high"].map(|half| Value(Cow::Owned(format!("{name}.{half}"))));
        let [low, high] = outputs;
        self.push(
            OperatorDomain::Onnx,
            operator,
            inputs,
            &[&low, &high],
            attributes,
        );
        (low, high)
    }

    /// # Errors
    /// [`BackendError::Checkpoint`] if a mapped file of an initialiser was cut short.
    pub(crate) fn check_whole(&self) -> Result<(), BackendError> {
        let mut data = self.initialisers.iter().map(|it| &it.data);
        data.try_for_each(Data::check_whole)
    }

    /// Lets the system take back the pages of initialisers in mapped files; they come back when they are read.
    pub(crate) fn release(&self) {
        for initialiser in &self.initialisers {
            initialiser.data.release();
        }
    }

    /// The names under which the runtime knows the nodes of `operators`.
    pub(crate) fn names_of(&self, operators: &[&str]) -> Vec<String> {
        let named = self.nodes.iter().enumerate();
        named
            .filter(|(_, node)| operators.contains(&node.operator))
            .map(|(index, node)| node.name(index))
            .collect()
    }

    fn fresh(&self, operator: &str) -> Value {
        Value(Cow::Owned(format!("{operator}.{}", self.nodes.len())))
    }

    fn push(
        &mut self,
        domain: OperatorDomain,
        operator: &'static str,
        inputs: &[&Value],
        outputs: &[&Value],
        attributes: Vec<(&'static str, Attribute)>,
    ) {
        let owned = |values: &[&Value]| values.iter().map(|value| (*value).clone()).collect();
        self.nodes.push(Node {
            operator,
            domain,
            inputs: owned(inputs),
            outputs: owned(outputs),
            attributes,
        });
    }
}
