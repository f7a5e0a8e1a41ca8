//! How text crosses the border: borrowed on the way in, copied into the reader's own room on the way out.

/// Borrowed UTF-8.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Text {
    /// First byte; may be null if `len` is 0.
    pub ptr: *const u8,
    /// Bytes.
    pub len: usize,
}

impl Text {
    /// Borrows `text`; the value must not outlive it.
    #[must_use]
    pub fn of(text: &str) -> Self {
        Self {
            ptr: text.as_ptr(),
            len: text.len(),
        }
    }

    /// The text, with bad UTF-8 replaced.
    ///
    /// # Safety
    /// `ptr` and `len` describe live, readable memory, unless `ptr` is null or `len` is 0.
    #[must_use]
    pub unsafe fn to_string_lossy(self) -> String {
        if self.len == 0 || self.ptr.is_null() {
            return String::new();
        }
        // SAFETY: promised by the caller.
        let bytes = unsafe { std::slice::from_raw_parts(self.ptr, self.len) };
        String::from_utf8_lossy(bytes).into_owned()
    }
}

/// Host-owned room for `N` bytes of text that the plugin fills, cut at a character if it is too long.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Room<const N: usize> {
    /// Bytes used, at most `N`; the reader clamps it.
    pub len: u32,
    /// UTF-8; not NUL-terminated.
    pub bytes: [u8; N],
}

impl<const N: usize> Default for Room<N> {
    fn default() -> Self {
        Self {
            len: 0,
            bytes: [0; N],
        }
    }
}

impl<const N: usize> Room<N> {
    /// Stores `text`, or as much of it as fits.
    pub fn write(&mut self, text: &str) {
        let cut = text.floor_char_boundary(N);
        self.bytes[..cut].copy_from_slice(&text.as_bytes()[..cut]);
        self.len = u32::try_from(cut).unwrap_or(0);
    }

    /// The text, with bad UTF-8 replaced and a wrong length clamped.
    #[must_use]
    pub fn read(&self) -> String {
        let len = (self.len as usize).min(N);
        String::from_utf8_lossy(&self.bytes[..len]).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_does_not_fit_is_cut_at_a_character() {
        let mut room = Room::<4>::default();
        room.write("abcé");
        assert_eq!((room.len, room.read().as_str()), (3, "abc"));
        room.write("é");
        assert_eq!(room.read(), "é");
    }

    #[test]
    fn a_wrong_length_and_bad_utf_8_are_survived() {
        let room = Room::<2> {
            len: 9,
            bytes: [b'a', 0xFF],
        };
        assert_eq!(room.read(), "a\u{FFFD}");
        let nothing = Text {
            ptr: std::ptr::null(),
            len: 3,
        };
        // SAFETY: a null pointer is read as no text.
        assert_eq!(unsafe { nothing.to_string_lossy() }, "");
    }
}
