//! The C header and `abi.rs` say the same, field by field and constant by constant.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::mem::{offset_of, size_of};
use std::process::Command;

use unmask_api::abi::{
    self, DeviceRow, ErrorSlot, FactsRow, HostTable, LoadTable, PassTable, Plugin, ProbeRow, Room,
    RowTable, SessionTable, Text, TopTable, kind, level,
};
use unmask_api::{Capabilities, ErrorCode};
use unmask_tests::{Language, c_program, compiler, root};

type Room32 = Room<32>;
type Room64 = Room<64>;
type Room128 = Room<128>;
type Room252 = Room<252>;
type Room1020 = Room<1020>;
type Room2048 = Room<2048>;

/// One table: its name in C, its size, and every field with offset and size.
struct Layout {
    name: &'static str,
    size: usize,
    fields: Vec<(&'static str, usize, usize)>,
}

fn size_of_field<T, F>(_: fn(&T) -> &F) -> usize {
    size_of::<F>()
}

/// The destructuring has no `..`: a field that is missing here does not compile.
macro_rules! layout {
    ($type:ident as $name:literal: $($field:ident)*) => {{
        #[expect(dead_code, reason = "compiling it is the test that no field is forgotten")]
        fn complete(table: $type) {
            let $type { $($field: _),* } = table;
        }
        Layout {
            name: $name,
            size: size_of::<$type>(),
            fields: vec![$((
                stringify!($field),
                offset_of!($type, $field),
                size_of_field(|table: &$type| &table.$field),
            )),*],
        }
    }};
}

fn layouts() -> Vec<Layout> {
    vec![
        layout!(Text as "unmask_text": ptr len),
        layout!(Room32 as "unmask_room_32": len bytes),
        layout!(Room64 as "unmask_room_64": len bytes),
        layout!(Room128 as "unmask_room_128": len bytes),
        layout!(Room252 as "unmask_room_252": len bytes),
        layout!(Room1020 as "unmask_room_1020": len bytes),
        layout!(Room2048 as "unmask_room_2048": len bytes),
        layout!(ErrorSlot as "unmask_error_slot": struct_size message),
        layout!(HostTable as "unmask_host_table": struct_size log_level context log),
        layout!(ProbeRow as "unmask_probe_row": struct_size score reason remedy),
        layout!(DeviceRow as "unmask_device_row":
            struct_size kind total_bytes free_bytes id name precisions),
        layout!(LoadTable as "unmask_load_table":
            struct_size threads attention_block weights_len family folder weights config_json
            device precision cache_folder options_json context progress),
        layout!(FactsRow as "unmask_facts_row":
            struct_size vocab max_positions reserved memory_bytes capabilities precision notes),
        layout!(SessionTable as "unmask_session_table": struct_size capacity slots reserved),
        layout!(RowTable as "unmask_row_table": fed slot attend_start attend_end),
        layout!(PassTable as "unmask_pass_table":
            struct_size rows_len tokens_len wanted_len rows tokens positions wanted cancel),
        layout!(TopTable as "unmask_top_table":
            struct_size k ids logits log_sum_exp entropy),
        layout!(Plugin as "unmask_plugin":
            abi_major abi_minor struct_size reserved name version init probe device model_load
            model_facts model_free session_open session_free forward forward_top runtimes
            model_export),
    ]
}

/// Every constant of the header with Rust's value.
fn constants() -> Vec<(String, i64)> {
    let fixed = [
        ("ABI_MAJOR", abi::ABI_MAJOR.into()),
        ("ABI_MINOR", abi::ABI_MINOR.into()),
        ("OK", abi::OK.into()),
        ("NO_DEVICE", abi::NO_DEVICE.into()),
        ("E_UNKNOWN", abi::UNKNOWN.into()),
        ("LOG_ERROR", level::ERROR.into()),
        ("LOG_WARN", level::WARN.into()),
        ("LOG_INFO", level::INFO.into()),
        ("LOG_DEBUG", level::DEBUG.into()),
        ("DEVICE_CPU", kind::CPU.into()),
        ("DEVICE_GPU", kind::GPU.into()),
        ("DEVICE_ACCELERATOR", kind::ACCELERATOR.into()),
    ];
    let codes = abi::CODES.map(|(code, status)| (code_name(code), i64::from(status)));
    let bits = Capabilities::NAMES.map(|(bit, _)| (bit_name(bit), bit.0 as i64));
    let all = fixed.into_iter().chain(codes).chain(bits);
    all.map(|(name, value)| (format!("UNMASK_{name}"), value))
        .collect()
}

fn code_name(code: ErrorCode) -> &'static str {
    match code {
        ErrorCode::Invalid => "E_INVALID",
        ErrorCode::Unsupported => "E_UNSUPPORTED",
        ErrorCode::OutOfMemory => "E_OUT_OF_MEMORY",
        ErrorCode::Io => "E_IO",
        ErrorCode::Checkpoint => "E_CHECKPOINT",
        ErrorCode::Device => "E_DEVICE",
        ErrorCode::Cancelled => "E_CANCELLED",
        ErrorCode::Panicked => "E_PANICKED",
        other => panic!("give {other:?} a name in the header"),
    }
}

fn bit_name(bit: Capabilities) -> &'static str {
    match bit {
        Capabilities::BATCH => "CAP_BATCH",
        Capabilities::KV_CACHE => "CAP_KV_CACHE",
        Capabilities::TOPK_OUTPUT => "CAP_TOPK_OUTPUT",
        Capabilities::CANCEL => "CAP_CANCEL",
        Capabilities::CONCURRENT => "CAP_CONCURRENT",
        Capabilities::LEFT_PADDING => "CAP_LEFT_PADDING",
        other => panic!("give {other:?} a name in the header"),
    }
}

/// What ABI 1.0 did not have.
const SINCE_1_0: [&str; 2] = ["runtimes", "model_export"];

/// A C program that prints what [`expected`] says of these layouts, as `header` has it.
fn program(header: &str, layouts: Vec<Layout>) -> String {
    let mut body = String::new();
    for Layout { name, fields, .. } in layouts {
        writeln!(
            body,
            "  printf(\"{name} %lu\\n\", (unsigned long)sizeof({name}));"
        )
        .expect("a string takes all");
        for (field, ..) in fields {
            writeln!(
                body,
                "  printf(\"{name}.{field} %lu %lu\\n\", (unsigned long)offsetof({name}, {field}), \
                 (unsigned long)sizeof((({name} *)0)->{field}));"
            )
            .expect("a string takes all");
        }
    }
    for (name, _) in constants() {
        writeln!(body, "  printf(\"{name} %ld\\n\", (long)({name}));").expect("a string takes all");
    }
    format!("#include {header:?}\n#include <stdio.h>\n\nint main(void) {{\n{body}  return 0;\n}}\n")
}

/// What that program prints.
fn printed(header: &str, layouts: Vec<Layout>) -> Vec<String> {
    let program = c_program(&program(header, layouts));
    let output = Command::new(&program.path)
        .output()
        .expect("it was just built");
    let printed = String::from_utf8(output.stdout).expect("it prints ASCII");
    printed.lines().map(str::to_owned).collect()
}

fn expected(layouts: Vec<Layout>) -> Vec<String> {
    let tables = layouts
        .into_iter()
        .flat_map(|Layout { name, size, fields }| {
            let fields = fields.into_iter();
            std::iter::once(format!("{name} {size}"))
                .chain(fields.map(move |(field, at, size)| format!("{name}.{field} {at} {size}")))
        });
    let constants = constants()
        .into_iter()
        .map(|(name, value)| format!("{name} {value}"));
    tables.chain(constants).collect()
}

#[test]
fn every_table_and_constant_is_the_same_in_c_and_in_rust() {
    assert_eq!(printed("unmask_backend.h", layouts()), expected(layouts()));
}

#[test]
fn nothing_that_abi_1_0_had_has_moved() {
    let old = || {
        let mut all = layouts();
        for layout in &mut all {
            layout
                .fields
                .retain(|(field, ..)| !SINCE_1_0.contains(field));
        }
        all
    };
    let path = root().join("tests/frozen/v1_0/unmask_backend.h");
    let path = path.to_str().expect("the repository has a plain name");
    // Only these may differ: the table is longer, and a higher number says so.
    let may_differ = |line: &String| {
        ["unmask_plugin ", "UNMASK_ABI_MINOR "]
            .iter()
            .any(|it| line.starts_with(it))
    };
    let then = printed(path, old()).into_iter();
    let now = expected(old()).into_iter();
    assert_eq!(
        then.filter(|it| !may_differ(it)).collect::<Vec<_>>(),
        now.filter(|it| !may_differ(it)).collect::<Vec<_>>()
    );
}

#[test]
fn the_header_has_no_table_or_constant_that_rust_lacks() {
    let path = root().join("core/api/include/unmask_backend.h");
    let text = std::fs::read_to_string(path).expect("the header is there");
    let word = |line: &str, before: &str| {
        let rest = line.strip_prefix(before)?;
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        Some(rest[..end.unwrap_or(rest.len())].to_owned())
    };
    let tables: BTreeSet<String> = text
        .lines()
        .filter_map(|it| word(it, "typedef struct "))
        .collect();
    let ours: BTreeSet<String> = layouts().iter().map(|it| it.name.to_owned()).collect();
    assert_eq!(tables, ours);

    let not_values = ["UNMASK_BACKEND_H", "UNMASK_EXPORT"];
    let defined: BTreeSet<String> = text
        .lines()
        .filter_map(|line| word(line, "#define "))
        .filter(|name| !not_values.contains(&name.as_str()))
        .collect();
    let ours: BTreeSet<String> = constants().into_iter().map(|(name, _)| name).collect();
    assert_eq!(defined, ours);
}

#[test]
fn the_header_is_clean_in_cpp() {
    // A machine with a C compiler alone cannot tell.
    let Some(mut compiler) = compiler(Language::Cpp) else {
        return;
    };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let source = folder.path().join("header.cpp");
    let text = "#include \"unmask_backend.h\"\nunmask_plugin plugin_of_nothing();\n";
    std::fs::write(&source, text).expect("the folder is ours");
    let output = compiler
        .current_dir(folder.path())
        .arg(if cfg!(windows) { "/c" } else { "-c" })
        .arg(&source)
        .output()
        .expect("the compiler was found");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
