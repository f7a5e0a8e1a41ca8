//! Mapped bytes that a file no longer has: read as zeros and remembered, where the kernel would end the process (SIGBUS).
//!
//! Another program may cut a file short while it is mapped, and no lock keeps it from that. On Linux a handler of SIGBUS
//! maps zeros from the page that is missing to the end of the mapping, and the instruction goes on; whoever has read asks
//! [`MapGuard::is_patched`] before it believes what it read. Elsewhere the process ends.
//!
//! Every library that carries this module has its own handler. What lies in none of its mappings it hands to the handler
//! that was there before, so several go together, and a fault of another kind ends as it would.

#[cfg(target_os = "linux")]
pub(super) use linux::MapGuard;
#[cfg(not(target_os = "linux"))]
pub(super) use other::MapGuard;

#[cfg(target_os = "linux")]
mod linux {
    #![expect(
        unsafe_code,
        reason = "no safe interface handles SIGBUS or maps pages over others"
    )]

    use std::mem::MaybeUninit;
    use std::ptr;
    use std::sync::Once;
    use std::sync::atomic::{AtomicBool, AtomicPtr, Ordering};

    use libc::{c_int, c_void, sigaction, siginfo_t};

    type Handler = extern "C" fn(c_int, *mut siginfo_t, *mut c_void);

    /// A mapping. A handler reaches nothing but statics, and may run while another thread makes or drops one: so each is
    /// leaked, and nothing of it but the flags changes.
    struct Region {
        start: usize,
        /// Of its last page.
        end: usize,
        page_bytes: usize,
        is_mapped: AtomicBool,
        is_patched: AtomicBool,
        /// The one that was made before.
        next: *const Self,
    }

    // SAFETY: `next` is null or another leaked region; the rest may be shared.
    unsafe impl Sync for Region {}

    /// The one that was made last.
    static REGIONS: AtomicPtr<Region> = AtomicPtr::new(ptr::null_mut());
    /// What to do about a fault that is none of a region's; null until the handler is there.
    static FORMER: AtomicPtr<sigaction> = AtomicPtr::new(ptr::null_mut());

    /// Guards a mapping as long as it lives.
    pub(in super::super) struct MapGuard(&'static Region);

    impl MapGuard {
        /// Guards the mapping of a whole file, from its first byte; to be dropped before that is unmapped.
        pub(in super::super) fn new(mapping: &[u8]) -> Self {
            static INSTALL: Once = Once::new();
            INSTALL.call_once(install);
            let page_bytes = page_bytes();
            let start = mapping.as_ptr() as usize;
            let region = Box::leak(Box::new(Region {
                start,
                end: (start + mapping.len()).next_multiple_of(page_bytes),
                page_bytes,
                is_mapped: AtomicBool::new(true),
                is_patched: AtomicBool::new(false),
                next: ptr::null(),
            }));
            let mut first = REGIONS.load(Ordering::Acquire);
            loop {
                region.next = first;
                let put =
                    REGIONS.compare_exchange(first, region, Ordering::AcqRel, Ordering::Acquire);
                match put {
                    Ok(_) => return Self(region),
                    Err(other) => first = other,
                }
            }
        }

        /// Whether bytes were read that the file did not have, or that could not be read: zeros stand there ever since.
        pub(in super::super) fn is_patched(&self) -> bool {
            self.0.is_patched.load(Ordering::Acquire)
        }
    }

    impl Drop for MapGuard {
        fn drop(&mut self) {
            self.0.is_mapped.store(false, Ordering::Release);
        }
    }

    impl std::fmt::Debug for MapGuard {
        fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            let is_patched = self.is_patched();
            (formatter.debug_struct("MapGuard"))
                .field("is_patched", &is_patched)
                .finish()
        }
    }

    fn page_bytes() -> usize {
        // SAFETY: it only tells a number.
        let said = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
        usize::try_from(said).expect("Linux knows the size of its pages")
    }

    fn default_action() -> sigaction {
        // SAFETY: plain data for which zeros are valid: SIG_DFL, no flags, an empty mask.
        unsafe { MaybeUninit::zeroed().assume_init() }
    }

    /// Makes `action` the process's, and returns the one before.
    fn exchange(action: *const sigaction) -> sigaction {
        let mut former = default_action();
        // SAFETY: `action` is null or a whole one, whose handler calls only what handlers may; `former` has room. It fails
        // for numbers that are no signal alone.
        unsafe { libc::sigaction(libc::SIGBUS, action, &raw mut former) };
        former
    }

    fn remember(former: sigaction) {
        // Never freed: the handler may be reading it.
        FORMER.store(Box::leak(Box::new(former)), Ordering::Release);
    }

    fn install() {
        // Before the handler may need it.
        remember(exchange(ptr::null()));
        let mut action = default_action();
        let handler: Handler = patch_or_hand_on;
        action.sa_sigaction = handler as usize;
        action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
        // Another library may have put its own there in between.
        remember(exchange(&raw const action));
    }

    extern "C" fn patch_or_hand_on(signal: c_int, info: *mut siginfo_t, context: *mut c_void) {
        // SAFETY: with SA_SIGINFO the kernel passes a whole one, and its address with this code.
        let address = unsafe { ((*info).si_code == libc::BUS_ADRERR).then(|| (*info).si_addr()) };
        if !address.is_some_and(|address| patch(address as usize)) {
            hand_on(signal, info, context);
        }
    }

    /// Maps zeros over what is missing; false if `address` is in no region.
    fn patch(address: usize) -> bool {
        let mut next: *const Region = REGIONS.load(Ordering::Acquire);
        // SAFETY: regions are leaked.
        while let Some(region) = unsafe { next.as_ref() } {
            let is_mapped = region.is_mapped.load(Ordering::Acquire);
            if is_mapped && (region.start..region.end).contains(&address) {
                return region.patch(address);
            }
            next = region.next;
        }
        false
    }

    impl Region {
        /// From the page of `address` to the end: a file that is cut lacks what is behind. In one piece, since the kernel
        /// counts pieces.
        fn patch(&self, address: usize) -> bool {
            self.is_patched.store(true, Ordering::Release);
            let first = address / self.page_bytes * self.page_bytes;
            // SAFETY: the pages are of this region's own mapping, which is there as long as its bytes are borrowed, and who
            // faults has borrowed them. Numbers that change are what a mapped file is, and never more than numbers.
            // The call is one of the kernel's, without a lock or memory of the library's; it keeps `errno`.
            unsafe {
                let errno = libc::__errno_location();
                let before = *errno;
                let patched = libc::mmap(
                    first as *mut c_void,
                    self.end - first,
                    libc::PROT_READ,
                    libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED,
                    -1,
                    0,
                );
                *errno = before;
                patched != libc::MAP_FAILED
            }
        }
    }

    /// Does what would be done without this handler.
    fn hand_on(signal: c_int, info: *mut siginfo_t, context: *mut c_void) {
        // SAFETY: it was put there before the handler, and is never freed nor changed.
        let former = unsafe { FORMER.load(Ordering::Acquire).as_ref() };
        let former = former.copied().unwrap_or_else(default_action);
        match former.sa_sigaction {
            // SAFETY: the system hands a handler of this kind what it knows of the signal.
            libc::SIG_IGN if unsafe { (*info).si_code } <= 0 => (), // Another process sent it; it is ignored as before.
            libc::SIG_DFL | libc::SIG_IGN => {
                exchange(&raw const former);
                // SAFETY: any signal can be raised; it is delivered when this handler returns.
                unsafe { libc::raise(signal) };
            }
            handler if former.sa_flags & libc::SA_SIGINFO != 0 => {
                // SAFETY: with this flag a handler is of this type.
                let handler: Handler = unsafe { std::mem::transmute(handler) };
                handler(signal, info, context);
            }
            handler => {
                // SAFETY: without it, of this one.
                let handler: extern "C" fn(c_int) = unsafe { std::mem::transmute(handler) };
                handler(signal);
            }
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod other {
    /// Guards nothing.
    #[derive(Debug)]
    pub(in super::super) struct MapGuard;

    impl MapGuard {
        pub(in super::super) fn new(_: &[u8]) -> Self {
            Self
        }

        pub(in super::super) fn is_patched(&self) -> bool {
            false
        }
    }
}
