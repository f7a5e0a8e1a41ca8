use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::weights::Weights;

/// What `tests/make_adapter.py` writes.
fn adapter(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/adapter");
    folder.join(name)
}

#[test]
fn an_adapter_is_merged_as_peft_merges_it() {
    let merged = Weights::open(&[adapter("model.merged.safetensors")]).expect("it is committed");
    let files = ["model.safetensors", "adapter_model.safetensors"].map(adapter);
    let weights = Weights::open(&files).expect("both are committed");
    assert_eq!(
        weights.names().collect::<Vec<_>>(),
        merged.names().collect::<Vec<_>>()
    );
    for name in merged.names() {
        let right = merged.get(name).expect("it is listed");
        let weight = weights.shaped(name, right.shape).expect("it is there");
        let right = right.to_f32().expect("they are finite");
        let close =
            |got: &[f32], right: &[f32]| got.iter().zip(right).all(|(a, b)| (a - b).abs() < 1e-6);
        assert!(
            close(&weight.to_f32().expect("they are finite"), &right),
            "{name}"
        );
        weight.check_finite().expect("they are finite");
        // Rows are read alone too, and what is merged lies nowhere.
        let (columns, mut row) = (weight.row_len(), vec![0.0; weight.row_len()]);
        if weight.shape.len() == 2 {
            weight.read_rows(7..8, &mut row).expect("it has more");
            assert!(close(&row, &right[7 * columns..8 * columns]), "{name}");
        }
        let is_target = name.contains("q_proj") || name.contains("down_proj");
        assert_eq!(
            (weight.is_derived(), weight.bytes.is_empty()),
            (is_target, is_target)
        );
    }
}

#[test]
fn derived_files_of_an_adapter_are_not_those_of_another() {
    let fingerprint = |alpha: &str| {
        let folder = TempDir::new().expect("a folder can be made");
        let config = fs::read_to_string(adapter("adapter_config.json")).expect("it is committed");
        let config = config.replace("\"lora_alpha\": 6.0", alpha);
        fs::write(folder.path().join("adapter_config.json"), config).expect("there is room");
        let file = folder.path().join("adapter_model.safetensors");
        fs::copy(adapter("adapter_model.safetensors"), &file).expect("there is room");
        // A copy has the time of the copy.
        let old = fs::metadata(adapter("model.safetensors")).and_then(|data| data.modified());
        let handle = fs::File::options()
            .write(true)
            .open(&file)
            .expect("it is ours");
        handle
            .set_modified(old.expect("it has a time"))
            .expect("it is ours");
        let weights = Weights::open(&[adapter("model.safetensors"), file]);
        weights.expect("both are whole").fingerprint()
    };
    let same = "\"lora_alpha\": 6.0";
    assert_eq!(fingerprint(same), fingerprint(same));
    assert_ne!(fingerprint(same), fingerprint("\"lora_alpha\": 5.0"));
}
