//! The C header and `abi.rs` say the same, field by field and constant by constant.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::mem::{offset_of, size_of};
use std::process::Command;

use unmask_api::abi::{
    self, DeviceRow, ErrorSlot, EstimateRow, FactsRow, HostTable, LoadTable, LogitsTable,
    PassTable, Plugin, ProbeRow, RowTable, SessionTable, Sink, Text, TopTable, attention, kind,
    level, requires,
};
use unmask_api::{Capabilities, Cell, ErrorCode};
use unmask_tests::{Language, c_program, compiler, root};

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
                c_name(stringify!($field)),
                offset_of!($type, $field),
                size_of_field(|table: &$type| &table.$field),
            )),*],
        }
    }};
}

/// C++ has a keyword where Rust has none.
fn c_name(field: &'static str) -> &'static str {
    match field {
        "requires" => "requires_bits",
        same => same,
    }
}

fn layouts() -> Vec<Layout> {
    vec![
        layout!(Text as "unmask_text": ptr len),
        layout!(Sink as "unmask_sink": context put),
        layout!(ErrorSlot as "unmask_error_slot": struct_size reserved message),
        layout!(HostTable as "unmask_host_table": struct_size log_level context log),
        layout!(ProbeRow as "unmask_probe_row": struct_size score reason remedy),
        layout!(DeviceRow as "unmask_device_row":
            struct_size kind total_bytes free_bytes id name precisions ranked reserved),
        layout!(LoadTable as "unmask_load_table":
            struct_size threads requires attention attention_block weights_len reserved family
            folder weights config_json device precision cache_folder options_json context progress),
        layout!(EstimateRow as "unmask_estimate_row":
            struct_size threads weights_bytes cell_bytes),
        layout!(FactsRow as "unmask_facts_row":
            struct_size vocab max_positions reserved memory_bytes cell_bytes capabilities precision
            notes),
        layout!(SessionTable as "unmask_session_table":
            struct_size cells slots reserved requires),
        layout!(RowTable as "unmask_row_table":
            fed slot context_start context_end padding reserved),
        layout!(PassTable as "unmask_pass_table":
            struct_size rows_len rows_stride tokens_len wanted_len reserved requires rows tokens
            positions cells mask mask_len wanted cancel),
        layout!(LogitsTable as "unmask_logits_table":
            struct_size rows_len requires rows logits logits_len),
        layout!(TopTable as "unmask_top_table":
            struct_size rows_len requires k banned_len asked_per_row reserved rows banned asked ids
            logits tail entropy asked_logits divergence),
        layout!(Plugin as "unmask_plugin":
            abi_major abi_minor struct_size reserved name version runtimes init probe device check
            model_load model_facts model_free session_open session_free forward read_logits
            read_top slot_copy slot_clear session_reserve model_export),
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
        ("ATTENTION_BIDIRECTIONAL", attention::BIDIRECTIONAL.into()),
        ("ATTENTION_BLOCK_CAUSAL", attention::BLOCK_CAUSAL.into()),
        ("ATTENTION_CAUSAL", attention::CAUSAL.into()),
        ("REQUIRES_PASS_MASK", requires::PASS_MASK as i64),
        ("REQUIRES_TOP_DIVERGENCE", requires::TOP_DIVERGENCE as i64),
        (
            "RESERVED_PASS_SELF_CONDITIONING",
            requires::RESERVED_PASS_SELF_CONDITIONING as i64,
        ),
        ("RESERVED_TOP_DRAWS", requires::RESERVED_TOP_DRAWS as i64),
        ("NO_CELL", Cell::NONE.0.into()),
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
        Capabilities::ATTENTION_MASK => "CAP_ATTENTION_MASK",
        Capabilities::DIVERGENCE => "CAP_DIVERGENCE",
        Capabilities::DETERMINISTIC => "CAP_DETERMINISTIC",
        other => panic!("give {other:?} a name in the header"),
    }
}

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

/// Fields that were added at the ends of tables since 2.0, as `table.field`.
const SINCE_2_0: [&str; 2] = ["unmask_device_row.ranked", "unmask_device_row.reserved"];

#[test]
fn nothing_that_abi_2_0_had_has_moved() {
    let old = || {
        let mut all = layouts();
        for Layout { name, fields, .. } in &mut all {
            fields.retain(|(field, ..)| !SINCE_2_0.contains(&&*format!("{name}.{field}")));
        }
        all
    };
    let path = root().join("tests/frozen/v2_0/unmask_backend.h");
    let path = path.to_str().expect("the repository has a plain name");
    // Only these may differ: a table with new fields is longer, and a higher number says so.
    let grown = |line: &str| {
        SINCE_2_0
            .iter()
            .any(|it| line.split(' ').next() == it.split('.').next())
    };
    let may_differ = |line: &String| line.starts_with("UNMASK_ABI_MINOR ") || grown(line);
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
