//! Asks Windows who owns a file and who may change it.

#![expect(unsafe_code, reason = "the system tells rights by C calls alone")]

use std::ffi::c_void;
use std::io;
use std::os::windows::ffi::OsStrExt as _;
use std::path::Path;
use std::ptr;

use windows_sys::Win32::Foundation::{CloseHandle, ERROR_SUCCESS, HANDLE, LocalFree};
use windows_sys::Win32::Security::Authorization::{
    ConvertSidToStringSidW, GetNamedSecurityInfoW, SE_FILE_OBJECT,
};
use windows_sys::Win32::Security::{
    ACCESS_ALLOWED_ACE, ACE_HEADER, ACL, DACL_SECURITY_INFORMATION, GetAce, GetTokenInformation,
    INHERIT_ONLY_ACE, OWNER_SECURITY_INFORMATION, PSID, TOKEN_QUERY, TOKEN_USER, TokenUser,
};
use windows_sys::Win32::System::Threading::{GetCurrentProcess, OpenProcessToken};

use super::access::AccessList;

/// Entries of these types allow something to an account or a group: always, or under a condition. All begin alike.
const ALLOWS: [u8; 2] = [0, 9];

/// Memory that the system has given.
struct Given(*mut c_void);

impl Drop for Given {
    fn drop(&mut self) {
        // SAFETY: the system gave it to be freed so, once.
        unsafe { LocalFree(self.0) };
    }
}

/// A handle that is closed in the end.
struct Held(HANDLE);

impl Drop for Held {
    fn drop(&mut self) {
        // SAFETY: it is open, and ours.
        unsafe { CloseHandle(self.0) };
    }
}

/// What the system has of the file or folder at `path`.
pub(super) fn access(path: &Path) -> io::Result<AccessList> {
    let name: Vec<u16> = path.as_os_str().encode_wide().chain([0]).collect();
    let (mut owner, mut list, mut descriptor) = (ptr::null_mut(), ptr::null_mut(), ptr::null_mut());
    // SAFETY: `name` ends with a zero; the system writes the three pointers, which live as long as the descriptor.
    let status = unsafe {
        GetNamedSecurityInfoW(
            name.as_ptr(),
            SE_FILE_OBJECT,
            OWNER_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION,
            &mut owner,
            ptr::null_mut(),
            &mut list,
            ptr::null_mut(),
            &mut descriptor,
        )
    };
    if status != ERROR_SUCCESS {
        return Err(io::Error::from_raw_os_error(status.cast_signed()));
    }
    let _descriptor = Given(descriptor);
    Ok(AccessList {
        owner: text(owner)?,
        allowed: match list.is_null() {
            true => None,
            false => Some(allowed(list)?),
        },
    })
}

fn allowed(list: *const ACL) -> io::Result<Vec<(String, u32)>> {
    // SAFETY: a list of the system's, alive during the call.
    let count = unsafe { (*list).AceCount };
    let mut allowed = Vec::new();
    for index in 0..u32::from(count) {
        let mut entry = ptr::null_mut();
        // SAFETY: the list has so many entries.
        if unsafe { GetAce(list, index, &mut entry) } == 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: every entry begins with a header.
        let header = unsafe { entry.cast::<ACE_HEADER>().read() };
        // What is for what will be made in a folder says nothing of the folder.
        if !ALLOWS.contains(&header.AceType) || u32::from(header.AceFlags) & INHERIT_ONLY_ACE != 0 {
            continue;
        }
        let entry = entry.cast::<ACCESS_ALLOWED_ACE>();
        // SAFETY: entries of this type are laid out so; the id begins where its first word is, and goes on behind it.
        let (rights, id) = unsafe { ((*entry).Mask, (&raw mut (*entry).SidStart).cast()) };
        allowed.push((text(id)?, rights));
    }
    Ok(allowed)
}

/// The account of this process.
pub(super) fn user() -> io::Result<String> {
    let mut token = ptr::null_mut();
    // SAFETY: this process' own pseudo handle; the system writes the handle of its token.
    if unsafe { OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &mut token) } == 0 {
        return Err(io::Error::last_os_error());
    }
    let token = Held(token);
    // Longer than the longest id, and aligned as its pointer wants.
    let mut room = [0_u64; 32];
    let mut length = 0;
    // SAFETY: the room is as long as is said.
    let told = unsafe {
        GetTokenInformation(
            token.0,
            TokenUser,
            room.as_mut_ptr().cast(),
            size_of_val(&room) as u32,
            &mut length,
        )
    };
    if told == 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the system has written such a structure there, whose pointer leads into the room.
    text(unsafe { (*room.as_ptr().cast::<TOKEN_USER>()).User.Sid })
}

/// An account or group as text.
fn text(id: PSID) -> io::Result<String> {
    let mut text = ptr::null_mut();
    // SAFETY: an id of the system's; the system gives the text.
    if unsafe { ConvertSidToStringSidW(id, &mut text) } == 0 {
        return Err(io::Error::last_os_error());
    }
    let _given = Given(text.cast());
    // SAFETY: it ends with a zero, and is read up to there.
    let letters = unsafe {
        let length = (0..).take_while(|at| *text.add(*at) != 0).count();
        std::slice::from_raw_parts(text, length)
    };
    Ok(String::from_utf16_lossy(letters))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_file_is_this_users_or_an_administrators() {
        let file = tempfile::NamedTempFile::new().expect("a file can be made");
        let access = access(file.path()).expect("it is there");
        let user = user().expect("this process has one");
        assert!(user.starts_with("S-1-5-"), "{user}");
        let owners = [user.as_str(), "S-1-5-32-544"];
        assert!(owners.contains(&access.owner.as_str()), "{access:?}");
        let mut allowed = access.allowed.iter().flatten();
        assert!(allowed.any(|(_, rights)| *rights != 0), "{access:?}");
        assert!(super::access(Path::new("no such file")).is_err());
    }
}
