//! A backend that panics where the family says: `load`, `facts`, `session`, `forward`, `forward_top`, `drop` or `nowhere`.

use unmask_sdk::{
    Backend, BackendError, Capabilities, Device, DeviceKind, LoadSpec, LogitsMut, Model,
    ModelFacts, Pass, Probe, Progress, Session, SessionSpec, TopMut, export_backend,
};

struct Panics;

/// The place to panic at.
#[derive(Clone, PartialEq)]
struct Place(String);

impl Place {
    fn here(&self, name: &str) {
        assert!(self.0 != name, "told to panic in {name}");
    }
}

impl Backend for Panics {
    fn name(&self) -> &str {
        "panics"
    }

    fn version(&self) -> &str {
        "0.0.1"
    }

    fn probe(&self) -> Probe {
        Probe::Usable { score: 1 }
    }

    fn devices(&self) -> Vec<Device> {
        vec![Device {
            id: "cpu".to_owned(),
            name: "cpu".to_owned(),
            kind: DeviceKind::Cpu,
            total_bytes: 0,
            free_bytes: 0,
            precisions: vec!["f32".to_owned()],
        }]
    }

    fn load(&self, spec: &LoadSpec, _: &Progress<'_>) -> Result<Box<dyn Model>, BackendError> {
        let place = Place(spec.family.clone());
        place.here("load");
        Ok(Box::new(place))
    }
}

impl Model for Place {
    fn facts(&self) -> ModelFacts {
        self.here("facts");
        ModelFacts {
            vocab: 16,
            max_positions: 64,
            memory_bytes: 0,
            precision: "f32".to_owned(),
            capabilities: Capabilities::TOPK_OUTPUT,
            notes: String::new(),
        }
    }

    fn session(&self, _: SessionSpec) -> Result<Box<dyn Session>, BackendError> {
        self.here("session");
        Ok(Box::new(Conversation(self.clone())))
    }
}

struct Conversation(Place);

impl Session for Conversation {
    fn forward(&mut self, _: &Pass<'_>, out: LogitsMut<'_>) -> Result<(), BackendError> {
        self.0.here("forward");
        out.scores.fill(0.0);
        Ok(())
    }

    fn forward_top(&mut self, _: &Pass<'_>, _: TopMut<'_>) -> Result<(), BackendError> {
        self.0.here("forward_top");
        Err(BackendError::Unsupported("only panics".to_owned()))
    }
}

impl Drop for Conversation {
    fn drop(&mut self) {
        self.0.here("drop");
    }
}

export_backend! { name: "panics", version: "0.0.1", backend: Panics }
