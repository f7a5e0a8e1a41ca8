//! How text crosses the border: borrowed on the way in, handed to the reader's own sink on the way out.

use std::ffi::c_void;

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

/// Takes texts of any length from a plugin: once, or once for each entry of a list. Usable during the call that it was given
/// to, from the calling thread.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Sink {
    /// Passed back to `put`.
    pub context: *mut c_void,
    /// Copies one text; null takes nothing.
    pub put: Option<unsafe extern "C" fn(context: *mut c_void, text: Text)>,
}

impl Sink {
    /// A sink that takes nothing.
    pub const NOTHING: Self = Self {
        context: std::ptr::null_mut(),
        put: None,
    };

    /// A sink that adds to `texts`; it must not outlive them, and nobody else uses them meanwhile.
    #[must_use]
    pub fn into(texts: &mut Collected) -> Self {
        Self {
            context: std::ptr::from_mut(texts).cast(),
            put: Some(collect),
        }
    }

    /// Hands one text over.
    ///
    /// # Safety
    /// The sink is live: this is within the call that it was given to.
    pub unsafe fn put(&self, text: &str) {
        if let Some(put) = self.put {
            // SAFETY: promised by the caller; `text` outlives the call.
            unsafe { put(self.context, Text::of(text)) };
        }
    }
}

/// The most bytes that a sink of ours takes in one call; what is beyond is refused whole, and said.
const MOST_BYTES: usize = 16 << 20;

/// What a [`Sink`] has taken.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Collected {
    /// The texts, in order; bad UTF-8 replaced.
    pub texts: Vec<String>,
    /// True if there were more than anybody could mean: the rest was refused.
    pub overflowed: bool,
    bytes: usize,
}

impl Collected {
    /// The first text, empty if there is none.
    #[must_use]
    pub fn first(&self) -> &str {
        self.texts.first().map_or("", String::as_str)
    }
}

/// # Safety
/// `context` points to a live [`Collected`] that nobody else uses; `text` is live.
unsafe extern "C" fn collect(context: *mut c_void, text: Text) {
    // SAFETY: promised by the caller.
    let Some(into) = (unsafe { context.cast::<Collected>().as_mut() }) else {
        return;
    };
    // An empty text counts too, so that endless ones end.
    into.bytes = into.bytes.saturating_add(text.len).saturating_add(64);
    if into.bytes > MOST_BYTES {
        into.overflowed = true;
        return;
    }
    // SAFETY: as above.
    into.texts.push(unsafe { text.to_string_lossy() });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_any_length_arrive_whole() {
        let mut collected = Collected::default();
        let sink = Sink::into(&mut collected);
        let long = "é".repeat(5000);
        // SAFETY: the sink is live.
        unsafe {
            sink.put(&long);
            sink.put("");
            Sink::NOTHING.put("nobody hears it");
        }
        assert_eq!(collected.texts, [long, String::new()]);
        assert!(!collected.overflowed);
    }

    #[test]
    fn endless_lists_and_bad_utf_8_are_survived() {
        let mut collected = Collected::default();
        let sink = Sink::into(&mut collected);
        let bad = Text {
            ptr: [b'a', 0xFF].as_ptr(),
            len: 2,
        };
        let nothing = Text {
            ptr: std::ptr::null(),
            len: 3,
        };
        let put = sink.put.expect("it collects");
        // SAFETY: the sink and the texts are live; null is read as no text.
        unsafe {
            put(sink.context, bad);
            put(sink.context, nothing);
            (0..1 << 20).for_each(|_| sink.put(""));
        }
        assert_eq!(collected.texts[..2], ["a\u{FFFD}", ""]);
        assert!(collected.overflowed && collected.texts.len() < 1 << 20);
    }
}
