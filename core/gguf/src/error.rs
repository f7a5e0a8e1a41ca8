/// Why bytes are no GGUF file that can be read. The sentences go behind the name of the file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GgufError {
    /// It begins otherwise.
    #[error("is not a GGUF file; fetch it again")]
    NotGguf,
    /// What Git LFS leaves in its place.
    #[error("is a Git LFS pointer, not the file itself; run `git lfs pull` in its folder")]
    LfsPointer,
    /// Numbers of the other order of bytes.
    #[error("is a big-endian GGUF file, which is not read; fetch the little-endian one")]
    BigEndian,
    /// Another version of the form.
    #[error(
        "is GGUF version {0}, and versions 2 and 3 are read; convert the model again with a newer llama.cpp"
    )]
    Version(u32),
    /// The bytes end inside the header.
    #[error("ends inside its header; the download is incomplete, fetch it again")]
    Ends,
    /// The header says something impossible.
    #[error("is damaged: {0}; fetch the file again")]
    Damaged(String),
}
