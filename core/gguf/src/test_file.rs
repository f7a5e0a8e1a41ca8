//! Files for tests, written byte by byte.

/// A file that is being written.
#[derive(Debug, Clone, Default)]
pub struct TestFile {
    keys: Vec<u8>,
    key_count: u64,
    tensors: Vec<u8>,
    tensor_count: u64,
    data: Vec<u8>,
}

fn text(text: &str) -> Vec<u8> {
    [&(text.len() as u64).to_le_bytes(), text.as_bytes()].concat()
}

impl TestFile {
    /// Adds a key whose value has these bytes behind its kind.
    #[must_use]
    pub fn raw(mut self, key: &str, kind: u32, value: &[u8]) -> Self {
        self.keys.extend(text(key));
        self.keys.extend(kind.to_le_bytes());
        self.keys.extend(value);
        self.key_count += 1;
        self
    }

    /// Adds a text.
    #[must_use]
    pub fn text(self, key: &str, value: &str) -> Self {
        self.raw(key, 8, &text(value))
    }

    /// Adds a count.
    #[must_use]
    pub fn count(self, key: &str, value: u32) -> Self {
        self.raw(key, 4, &value.to_le_bytes())
    }

    /// Adds a float.
    #[must_use]
    pub fn float(self, key: &str, value: f32) -> Self {
        self.raw(key, 6, &value.to_le_bytes())
    }

    /// Adds true or false.
    #[must_use]
    pub fn flag(self, key: &str, value: bool) -> Self {
        self.raw(key, 7, &[u8::from(value)])
    }

    /// Adds a list of texts.
    #[must_use]
    pub fn texts<'a>(self, key: &str, values: impl IntoIterator<Item = &'a str>) -> Self {
        let values: Vec<Vec<u8>> = values.into_iter().map(text).collect();
        let head = [
            &8_u32.to_le_bytes()[..],
            &(values.len() as u64).to_le_bytes(),
        ]
        .concat();
        self.raw(key, 9, &[head, values.concat()].concat())
    }

    /// Adds a list of whole numbers.
    #[must_use]
    pub fn integers(self, key: &str, values: &[i32]) -> Self {
        let head = [
            &5_u32.to_le_bytes()[..],
            &(values.len() as u64).to_le_bytes(),
        ]
        .concat();
        let values: Vec<u8> = values.iter().flat_map(|it| it.to_le_bytes()).collect();
        self.raw(key, 9, &[head, values].concat())
    }

    /// Adds a tensor of `shape`, row-major, whose numbers of type `kind` are these bytes.
    #[must_use]
    pub fn tensor(mut self, name: &str, shape: &[u64], kind: u32, bytes: &[u8]) -> Self {
        self.tensors.extend(text(name));
        self.tensors.extend((shape.len() as u32).to_le_bytes());
        self.tensors
            .extend(shape.iter().rev().flat_map(|side| side.to_le_bytes()));
        self.tensors.extend(kind.to_le_bytes());
        self.tensors.extend((self.data.len() as u64).to_le_bytes());
        self.data.extend(bytes);
        self.data.resize(self.data.len().next_multiple_of(32), 0);
        self.tensor_count += 1;
        self
    }

    /// The file.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let mut out = [&b"GGUF"[..], &3_u32.to_le_bytes()].concat();
        out.extend(self.tensor_count.to_le_bytes());
        out.extend(self.key_count.to_le_bytes());
        out.extend(&self.keys);
        out.extend(&self.tensors);
        out.resize(out.len().next_multiple_of(32), 0);
        out.extend(&self.data);
        out
    }
}
