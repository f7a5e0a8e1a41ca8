//! A backend that panics where the family says: in the function of that name, in `drop`, or `nowhere`.

use unmask_sdk::{
    Backend, BackendError, Capabilities, Device, DeviceKind, Estimate, LoadSpec, LogitsMut, Model,
    ModelFacts, Pass, Probe, Progress, Session, SessionSpec, TopMut, TopRequest, export_backend,
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
            ranked: false,
        }]
    }

    fn check(&self, spec: &LoadSpec) -> Result<Estimate, BackendError> {
        Place(spec.family.clone()).here("check");
        Ok(Estimate::default())
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
            cell_bytes: 0,
            precision: "f32".to_owned(),
            capabilities: Capabilities::TOPK_OUTPUT | Capabilities::KV_CACHE,
            notes: Vec::new(),
        }
    }

    fn session(&self, _: SessionSpec) -> Result<Box<dyn Session>, BackendError> {
        self.here("session");
        Ok(Box::new(Conversation(self.clone())))
    }
}

struct Conversation(Place);

impl Session for Conversation {
    fn forward(&mut self, _: &Pass<'_>) -> Result<(), BackendError> {
        self.0.here("forward");
        Ok(())
    }

    fn read_logits(&mut self, _: &[u32], out: LogitsMut<'_>) -> Result<(), BackendError> {
        self.0.here("read_logits");
        out.scores.fill(0.0);
        Ok(())
    }

    fn read_top(&mut self, _: &TopRequest<'_>, _: TopMut<'_>) -> Result<(), BackendError> {
        self.0.here("read_top");
        Err(BackendError::Unsupported("only panics".to_owned()))
    }

    fn copy_slot(&mut self, _: u32, _: u32) -> Result<(), BackendError> {
        self.0.here("copy_slot");
        Ok(())
    }

    fn clear_slot(&mut self, _: u32) -> Result<(), BackendError> {
        self.0.here("clear_slot");
        Ok(())
    }

    fn reserve(&mut self, _: u32) -> Result<(), BackendError> {
        self.0.here("reserve");
        Ok(())
    }
}

impl Drop for Conversation {
    fn drop(&mut self) {
        self.0.here("drop");
    }
}

export_backend! { name: "panics", version: "0.0.1", backend: Panics }
