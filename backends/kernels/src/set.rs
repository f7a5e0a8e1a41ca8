//! Which instructions are used, and portable code compiled for them.

use std::ffi::OsStr;

use crate::Error;

/// The environment variable that names the instructions that [`InstructionSet::chosen`] gives.
pub const VARIABLE: &str = "UNMASK_KERNELS";

/// Instructions for products of 8-bit integers, each faster than the one before; results are the same bits with all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum InstructionSet {
    /// What every processor has.
    Portable,
    /// `vpmaddwd` on 256 bits, for nibbles `vpmaddubsw`.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// `vpdpbusd` on 256 bits.
    #[cfg(target_arch = "x86_64")]
    AvxVnni,
    /// `vpdpbusd` on 512 bits.
    #[cfg(target_arch = "x86_64")]
    Avx512,
    /// `tdpbsud` on tiles of 16 by 64, with AVX-512 beside it, and alone where rows are few.
    #[cfg(target_arch = "x86_64")]
    Amx,
}

impl InstructionSet {
    /// All, from the slowest.
    #[cfg(target_arch = "x86_64")]
    pub const ALL: &[Self] = &[
        Self::Portable,
        Self::Avx2,
        Self::AvxVnni,
        Self::Avx512,
        Self::Amx,
    ];
    /// All, from the slowest.
    #[cfg(not(target_arch = "x86_64"))]
    pub const ALL: &[Self] = &[Self::Portable];

    /// The word for it in [`VARIABLE`].
    pub fn name(self) -> &'static str {
        match self {
            Self::Portable => "portable",
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => "avx2",
            #[cfg(target_arch = "x86_64")]
            Self::AvxVnni => "avxvnni",
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => "avx512",
            #[cfg(target_arch = "x86_64")]
            Self::Amx => "amx",
        }
    }

    /// Those that this processor has, from the slowest.
    pub fn available() -> impl Iterator<Item = Self> {
        Self::ALL.iter().copied().filter(|it| it.is_available())
    }

    /// The best that this processor has.
    pub fn best() -> Self {
        Self::available().last().unwrap_or(Self::Portable)
    }

    /// What [`VARIABLE`] names, otherwise the best; an empty one counts as not set.
    ///
    /// # Errors
    /// [`Error::Unknown`] if it names none, [`Error::Unavailable`] if it names one that is not there.
    pub fn chosen() -> Result<Self, Error> {
        let named = Self::named(std::env::var_os(VARIABLE).as_deref())?;
        Ok(named.unwrap_or_else(Self::best))
    }

    /// As [`chosen`](Self::chosen), made ready to be used. If none is named, what the system refuses is left out.
    pub(crate) fn acquired() -> Result<Self, Error> {
        if let Some(named) = Self::named(std::env::var_os(VARIABLE).as_deref())? {
            return named.acquire().map(|()| named);
        }
        let mut all = Self::ALL.iter().rev().copied();
        let best = all.find(|set| set.acquire().is_ok());
        Ok(best.unwrap_or(Self::Portable))
    }

    /// `None` if there is no name.
    fn named(name: Option<&OsStr>) -> Result<Option<Self>, Error> {
        let Some(name) = name.filter(|name| !name.is_empty()) else {
            return Ok(None);
        };
        let named = Self::ALL.iter().find(|it| name == it.name());
        let set = named.ok_or_else(|| Error::Unknown(name.to_string_lossy().into_owned()))?;
        set.check().map(|()| Some(*set))
    }

    /// Whether this processor and its system have it. To ask changes nothing.
    pub fn is_available(self) -> bool {
        #[cfg(target_arch = "x86_64")]
        let avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
        #[cfg(target_arch = "x86_64")]
        let avx512 = || {
            avx2 && is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512dq")
                && is_x86_feature_detected!("avx512vl")
                && is_x86_feature_detected!("avx512vnni")
        };
        match self {
            Self::Portable => true,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => avx2,
            #[cfg(target_arch = "x86_64")]
            Self::AvxVnni => avx2 && is_x86_feature_detected!("avxvnni"),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => avx512(),
            #[cfg(target_arch = "x86_64")]
            Self::Amx => avx512() && crate::kernel::amx::is_available(),
        }
    }

    fn check(self) -> Result<(), Error> {
        match self.is_available() {
            true => Ok(()),
            false => Err(Error::Unavailable(self.name())),
        }
    }

    /// Has the system let this process use it.
    pub(crate) fn acquire(self) -> Result<(), Error> {
        self.check()?;
        #[cfg(target_arch = "x86_64")]
        if self == Self::Amx && !crate::kernel::amx::request() {
            return Err(Error::Unavailable(self.name()));
        }
        Ok(())
    }
}

/// Defines a function of a set that runs its body compiled for vectors of that set. What the body calls must be
/// `#[inline(always)]` to become part of it. A macro since a closure would not reliably be inlined into what it is compiled for.
macro_rules! for_sets {
    ($(#[$meta:meta])* $visibility:vis unsafe fn $name:ident($($argument:ident: $type:ty),* $(,)?) $(-> $result:ty)? $body:block) => {
        $(#[$meta])*
        ///
        /// # Safety
        /// The set must be available.
        #[allow(clippy::too_many_arguments, reason = "as many as the body has, and the set")]
        $visibility unsafe fn $name(set: $crate::InstructionSet, $($argument: $type),*) $(-> $result)? {
            #[inline(always)]
            #[allow(clippy::too_many_arguments, reason = "as many as it has")]
            fn body($($argument: $type),*) $(-> $result)? $body
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma")]
            #[allow(clippy::too_many_arguments, reason = "as many as the body has")]
            fn avx2($($argument: $type),*) $(-> $result)? {
                body($($argument),*)
            }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512dq,avx512vl")]
            #[allow(clippy::too_many_arguments, reason = "as many as the body has")]
            fn avx512($($argument: $type),*) $(-> $result)? {
                body($($argument),*)
            }
            match set {
                $crate::InstructionSet::Portable => body($($argument),*),
                // SAFETY: AVX2 and FMA are part of the set, which is available.
                #[cfg(target_arch = "x86_64")]
                $crate::InstructionSet::Avx2 | $crate::InstructionSet::AvxVnni => unsafe { avx2($($argument),*) },
                // SAFETY: these parts of AVX-512 belong to the set, which is available.
                #[cfg(target_arch = "x86_64")]
                $crate::InstructionSet::Avx512 | $crate::InstructionSet::Amx => unsafe { avx512($($argument),*) },
            }
        }
    };
}
pub(crate) use for_sets;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_name_is_quoted_with_those_that_are() {
        let named = |name: &str| InstructionSet::named(Some(OsStr::new(name)));
        assert_eq!(named("portable"), Ok(Some(InstructionSet::Portable)));
        assert_eq!(named(""), Ok(None));
        assert_eq!(InstructionSet::named(None), Ok(None));
        let error = named("nonsense").expect_err("there are none").to_string();
        let words = "UNMASK_KERNELS is `nonsense`, which names no instructions; unset it, or take one of portable";
        assert!(error.starts_with(words), "{error}");
    }
}
