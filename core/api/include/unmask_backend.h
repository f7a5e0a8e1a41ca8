/*
 * The contract between unmask and its backends, in C99 (and C++). It says what core/api/src/abi.rs says in Rust; a test
 * compares the two field by field. plugins/examples/c/toy.c is a whole backend written against it.
 *
 * A backend is a shared library that exports one symbol, the table UNMASK_PLUGIN:
 *
 *     UNMASK_EXPORT const unmask_plugin UNMASK_PLUGIN = { UNMASK_ABI_MAJOR, UNMASK_ABI_MINOR, sizeof(unmask_plugin), ... };
 *
 * Its first three words are read before any of its functions is called. Name the library libunmask_backend_NAME.so
 * (.dylib, or unmask_backend_NAME.dll), put it into `unmask/backends` in the user's data folder, and let the user approve it:
 * `unmask backends approve NAME`.
 *
 * Memory and text
 * - Whoever allocates frees; no memory changes owner. Everything passed to a function is borrowed for that call, unless
 *   said otherwise. Handles are opaque to the host.
 * - Text is UTF-8, pointer and length, not NUL-terminated. Text that a backend gives goes into a sink of the host, whole, in
 *   any number and 16 MiB in all: call `put` once for a text, once for each entry of a list, not at all for none. The host replaces bad UTF-8.
 * - A function that can fail returns UNMASK_OK or one of the codes below, and on failure puts one text into the host's error
 *   slot: what went wrong, where, and what to do. What it should have given is then unspecified.
 * - No exception may leave a function. Nothing may be written to stdout or stderr: use the host's `log`.
 * - The host checks what it hands over: shapes, orders and ranges hold as they are written here. What a backend returns is not
 *   trusted.
 *
 * Versions
 * - New fields go to the end of a table, and UNMASK_ABI_MINOR counts them. `struct_size` is the size of a table as its maker
 *   knew it. Host and backend alike read and write the first min(struct_size, sizeof) bytes of a table of the other side; what
 *   is beyond is absent, which is the same as zero. Neither refuses a table since it is shorter or longer. (Copying is the
 *   easy way: toy.c has it in one macro.)
 * - Arrays of tables say how many bytes one entry takes: entry i lies i * stride bytes behind the first, and its first
 *   min(stride, sizeof) bytes are read. Texts and sinks never grow.
 * - What must not be overlooked has a bit in the table's `requires`. A reader refuses bits that it does not know with
 *   UNMASK_E_UNSUPPORTED and a sentence. Bits of `capabilities` that a reader does not know are ignored; codes of failure that
 *   it does not know are failures.
 * - A change of meaning is a new UNMASK_ABI_MAJOR, and a host refuses a backend of another one. (Contract 1, which kept K/V at
 *   the index of the position and wrote scores in the call that computed them, is refused so.)
 *
 * Threads. Every function may be called from any thread, and no call depends on the thread of an earlier one.
 * - `init` is called once, before all others, and nothing else runs meanwhile.
 * - `probe`, `device`, `check`, `model_load` and `model_export` may run at once with everything, themselves included.
 * - `model_facts` may run at once with everything that is done with its model, but `model_free`.
 * - `session_open`, `session_free`, `forward`, `read_logits`, `read_top`, `slot_copy`, `slot_clear` and `session_reserve`
 *   are calls of a session, and one session's run one after the other. Those of two sessions of a model with
 *   UNMASK_CAP_CONCURRENT may run at once, whichever they are. Without it, all calls of all sessions of the model run one
 *   after the other: no session is opened, freed, read or copied while another one computes. Sessions of two models may always
 *   run at once.
 * - `model_free` is the last call with its model, after `session_free` of all of its sessions.
 * - The host's `log` may be called at any time from any thread; a load's `progress` from any thread, until `model_load` or
 *   `model_export` returns; a sink from the thread that was called, until it returns. The flag of a pass may be raised by any
 *   thread while the pass runs.
 *
 * Determinism. The same bits are promised in these places, and nowhere else:
 * - The same reading of the same output gives the same bits, however often it is read; only the divergence is another the
 *   next time. The whole form, the short form, and a reading of other rows agree as far as the precision goes.
 * - A copied slot holds the same bits as its original, and so do the cells that `session_reserve` keeps.
 * - With UNMASK_CAP_DETERMINISTIC: a pass on the same contents of the slots gives the same bits as it gave before, in any
 *   session of this load. It says nothing of another load, number of threads, batch or machine.
 * - `model_facts`, `device` and `check` of the same arguments say the same, but for free memory.
 *
 * Reserved, and not built: bit 1 of a pass's `requires` for the output of an earlier pass that is fed as soft embeddings
 * (self-conditioning), and bit 1 of a short reading's for tokens drawn on the device by a counter-based generator that the
 * contract will name. Nobody sets them; everybody refuses them.
 */
#ifndef UNMASK_BACKEND_H
#define UNMASK_BACKEND_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(_WIN32)
#define UNMASK_EXPORT __declspec(dllexport)
#else
#define UNMASK_EXPORT __attribute__((visibility("default")))
#endif

/* If it differs, the host refuses the plugin. */
#define UNMASK_ABI_MAJOR 2u
/* Counts fields added at the ends of tables. */
#define UNMASK_ABI_MINOR 1u

/* 0 is success; negative codes are kinds of failure, unknown ones included. */
typedef int32_t unmask_status;

#define UNMASK_OK 0
/* The host broke a promise of the contract. */
#define UNMASK_E_INVALID (-1)
/* A device, precision, attention kind, option or kind of pass that this backend does not have. */
#define UNMASK_E_UNSUPPORTED (-2)
/* Not enough memory on the device. */
#define UNMASK_E_OUT_OF_MEMORY (-3)
/* A file could not be read or written. */
#define UNMASK_E_IO (-4)
/* The checkpoint is damaged, incomplete or of another family. */
#define UNMASK_E_CHECKPOINT (-5)
/* The device or its library failed. */
#define UNMASK_E_DEVICE (-6)
/* The host asked to stop. */
#define UNMASK_E_CANCELLED (-7)
/* An exception or panic was stopped at the border. */
#define UNMASK_E_PANICKED (-8)
/* Anything else. */
#define UNMASK_E_UNKNOWN (-99)
/* `device` was asked for an index beyond the last device; not a failure. */
#define UNMASK_NO_DEVICE 1

/* Levels of `log`: the user lost something; the backend chose for the user; once per load; once per pass. */
#define UNMASK_LOG_ERROR 1u
#define UNMASK_LOG_WARN 2u
#define UNMASK_LOG_INFO 3u
#define UNMASK_LOG_DEBUG 4u

/* Kinds of device. */
#define UNMASK_DEVICE_CPU 0u
#define UNMASK_DEVICE_GPU 1u
#define UNMASK_DEVICE_ACCELERATOR 2u

/* Which positions a position attends to, a property of the model: a query at position q sees a key at position k ... A
   backend refuses a load with a kind that it does not compute, unknown ones included; it never computes another instead. */
/* ... always. */
#define UNMASK_ATTENTION_BIDIRECTIONAL 0u
/* ... if k / attention_block <= q / attention_block. */
#define UNMASK_ATTENTION_BLOCK_CAUSAL 1u
/* ... if k <= q. */
#define UNMASK_ATTENTION_CAUSAL 2u

/* Bits of `requires`. Loads, sessions and readings of whole rows have none yet. */
/* Of a pass: `mask` says what is attended to. */
#define UNMASK_REQUIRES_PASS_MASK (UINT64_C(1) << 0)
/* Of a reading in short form: `divergence` is to be filled. */
#define UNMASK_REQUIRES_TOP_DIVERGENCE (UINT64_C(1) << 0)
/* Reserved; see above. */
#define UNMASK_RESERVED_PASS_SELF_CONDITIONING (UINT64_C(1) << 1)
#define UNMASK_RESERVED_TOP_DRAWS (UINT64_C(1) << 1)

/* In `cells`: the token's K/V are used in its pass and kept nowhere. */
#define UNMASK_NO_CELL UINT32_MAX

/* What a model can do, bits of unmask_facts_row.capabilities. What needs a bit that is not set is never asked for. */
/* Several rows in one pass. */
#define UNMASK_CAP_BATCH (UINT64_C(1) << 0)
/* Sessions with cells: passes that feed only some tokens and take the K/V of others from a slot. `slot_copy`, `slot_clear`
   and `session_reserve` work. */
#define UNMASK_CAP_KV_CACHE (UINT64_C(1) << 1)
/* `read_top` works. */
#define UNMASK_CAP_TOPK_OUTPUT (UINT64_C(1) << 2)
/* A raised cancel flag stops a running pass between layers. */
#define UNMASK_CAP_CANCEL (UINT64_C(1) << 3)
/* Several sessions may compute at the same time. */
#define UNMASK_CAP_CONCURRENT (UINT64_C(1) << 4)
/* `padding` may be above 0. */
#define UNMASK_CAP_LEFT_PADDING (UINT64_C(1) << 5)
/* A pass may have a mask. */
#define UNMASK_CAP_ATTENTION_MASK (UINT64_C(1) << 6)
/* A reading in short form may ask for the divergence; with UNMASK_CAP_TOPK_OUTPUT and UNMASK_CAP_KV_CACHE. */
#define UNMASK_CAP_DIVERGENCE (UINT64_C(1) << 7)
/* The same pass on the same contents of the slots gives the same bits; see above. */
#define UNMASK_CAP_DETERMINISTIC (UINT64_C(1) << 8)

/* Borrowed UTF-8. */
typedef struct unmask_text {
  const char *ptr; /* First byte; may be null if `len` is 0. */
  size_t len;      /* Bytes. */
} unmask_text;

/* Takes texts, of any length up to 16 MiB in all: a list that is longer is an error, a text that is longer is not taken. */
typedef struct unmask_sink {
  void *context; /* Passed back to `put`. */
  /* Copies one text. Null takes nothing: a sink beyond the table of the host is so. */
  void (*put)(void *context, unmask_text text);
} unmask_sink;

/* Where a failing function puts its message. */
typedef struct unmask_error_slot {
  uint32_t struct_size;
  uint32_t reserved;   /* 0. */
  unmask_sink message; /* One text: what, where, what to do; lower case, no full stop. */
} unmask_error_slot;

/* Services of the host. Valid until the process ends. */
typedef struct unmask_host_table {
  uint32_t struct_size;
  uint32_t log_level; /* Messages above this level are not wanted. */
  void *context;      /* Passed back to `log`. */
  /* Writes one message to the host's log; `target` names the part of the backend that speaks. */
  void (*log)(void *context, uint32_t level, unmask_text target, unmask_text message);
} unmask_host_table;

/* Whether the backend can work on this machine. */
typedef struct unmask_probe_row {
  uint32_t struct_size;
  uint32_t score;     /* 0 if it cannot; else its rough worth here: 10 for a plain CPU, 100 for a GPU. */
  unmask_sink reason; /* Why it cannot, such as `needs Apple silicon`. */
  unmask_sink remedy; /* What the user can do about it; none if nothing. */
} unmask_probe_row;

/* Something to compute on. */
typedef struct unmask_device_row {
  uint32_t struct_size;
  uint32_t kind;          /* UNMASK_DEVICE_... */
  uint64_t total_bytes;   /* Memory in all, 0 if unknown. */
  uint64_t free_bytes;    /* Memory free now, 0 if unknown. */
  unmask_sink id;         /* What `device = "..."` in the configuration says: cpu, cuda:0, metal. */
  unmask_sink name;       /* For people. */
  unmask_sink precisions; /* Each precision, the default first: f32, then q4k. */
  uint32_t ranked;        /* 1 if they stand in the order in which they are recommended: where nobody names one, the host
                             takes the first whose weights fit the free memory. 0: it takes the first. Since 2.1. */
  uint32_t reserved;      /* 0. Since 2.1. */
} unmask_device_row;

/* What to load, and how. */
typedef struct unmask_load_table {
  uint32_t struct_size;
  uint32_t threads;           /* Threads to compute with, 0 for the backend's choice. */
  uint64_t requires_bits;     /* Bits of `requires`; C++ has a keyword of that name. */
  uint32_t attention;         /* UNMASK_ATTENTION_... */
  uint32_t attention_block;   /* The block length of block-causal attention, 1 and up; else 0. */
  uint32_t weights_len;       /* Number of `weights`. */
  uint32_t reserved;          /* 0. */
  unmask_text family;         /* The network's family, such as `llada`. */
  unmask_text folder;         /* The checkpoint's folder. */
  const unmask_text *weights; /* [weights_len] paths of the weight files. */
  unmask_text config_json;    /* The text of the checkpoint's config.json. */
  unmask_text device;         /* A device's id. */
  unmask_text precision;      /* One of its precisions. */
  unmask_text cache_folder;   /* Where derived files may be kept; empty if nowhere. */
  unmask_text options_json;   /* Free-form options of this backend: a JSON object. */
  void *context;              /* Passed back to `progress`. */
  /* Tell it how far loading has come: what is being done, bytes done and in all (0 if unknown). Non-zero asks to give up
     with UNMASK_E_CANCELLED. During the load only. Null hears nothing. */
  int32_t (*progress)(void *context, unmask_text stage, uint64_t done, uint64_t total);
} unmask_load_table;

/* What a load would take. */
typedef struct unmask_estimate_row {
  uint32_t struct_size;
  uint32_t threads;       /* Threads that it would compute with, 0 if that means nothing on the device. */
  uint64_t weights_bytes; /* Memory that the weights would hold, mapped files not counted; 0 if it cannot be told. */
  uint64_t cell_bytes;    /* K/V of one cell of one slot; 0 if it cannot be told, or nothing is kept. */
} unmask_estimate_row;

/* What a loaded model is. */
typedef struct unmask_facts_row {
  uint32_t struct_size;
  uint32_t vocab;         /* Columns of a row of logits, 1 and up. */
  uint32_t max_positions; /* Longest canvas the weights were made for, 1 and up. */
  uint32_t reserved;      /* 0. */
  uint64_t memory_bytes;  /* Memory that the weights hold, mapped files not counted. */
  uint64_t cell_bytes;    /* K/V of one cell of one slot; 0 without UNMASK_CAP_KV_CACHE. */
  uint64_t capabilities;  /* UNMASK_CAP_... */
  unmask_sink precision;  /* The precision in use. */
  unmask_sink notes;      /* For people, each a line, such as which tensors fell back to another precision. */
} unmask_facts_row;

/* The room a session needs. */
typedef struct unmask_session_table {
  uint32_t struct_size;
  uint32_t cells;         /* Cells per slot; 0 if no K/V are to be kept, and then none are allocated. */
  uint32_t slots;         /* Rows that a pass may have, each with a slot of its own: 1 to 64. */
  uint32_t reserved;      /* 0. */
  uint64_t requires_bits; /* Bits of `requires`. */
} unmask_session_table;

/*
 * One row of a ragged batch. Its keys, in this order: the cells of context_start..context_end, then its fed tokens that are
 * neither padding nor have a cell in that range.
 */
typedef struct unmask_row_table {
  uint32_t fed;           /* Fed tokens of this row, 1 and up; the rows' tokens follow one another. */
  uint32_t slot;          /* The slot that it reads and writes; no two rows of a pass share one. */
  uint32_t context_start; /* First cell attended to. */
  uint32_t context_end;   /* One past the last cell attended to; each was written by an earlier pass, or is by this one. */
  uint32_t padding;       /* The first so many of its fed tokens are left padding: their outputs are computed as usual, but
                             nobody attends to them, and they have no cells. Where the attention kind lets such a token see no
                             key, its output is any finite numbers. */
  uint32_t reserved;      /* 0. */
} unmask_row_table;

/*
 * One forward. A position is what RoPE turns by and what attention kinds compare; a cell is where K/V are kept. The two are
 * independent: positions may be repeated and in any order, tokens may have no cell and then leave no trace, and a slot
 * remembers at which position each of its cells was written. A cell that this pass writes holds what this pass computes.
 * Each query attends to the keys of its row that the model's kind lets it see by their positions, or that `mask` says.
 * All arrays are the host's and live for the call.
 */
typedef struct unmask_pass_table {
  uint32_t struct_size;
  uint32_t rows_len;      /* Number of `rows`, 1 and up. */
  uint32_t rows_stride;   /* Bytes from one of `rows` to the next. */
  uint32_t tokens_len;    /* Number of `tokens`, `positions` and `cells`: the sum of `fed`. */
  uint32_t wanted_len;    /* Number of `wanted`; may be 0. */
  uint32_t reserved;      /* 0. */
  uint64_t requires_bits; /* Bits of `requires`. */
  const unmask_row_table *rows; /* [rows_len] */
  const uint32_t *tokens;       /* [tokens_len] ids below the vocabulary. */
  const uint32_t *positions;    /* [tokens_len], below 2^31. */
  const uint32_t *cells;        /* [tokens_len], below the session's cells, or UNMASK_NO_CELL; the others of a row ascend
                                   strictly. */
  const uint32_t *mask;         /* [mask_len] words, or null. Row after row, fed token after fed token, one bit a key, lowest
                                   bit first, (keys + 31) / 32 words each; at least one bit of each is set, and those beyond
                                   the keys are 0. It replaces the kind. */
  size_t mask_len;              /* Words of `mask`. */
  const uint32_t *wanted;       /* [wanted_len] indices into `tokens`, strictly ascending. */
  const volatile uint32_t *cancel; /* Read between layers; non-zero means stop with UNMASK_E_CANCELLED. Never null. */
} unmask_pass_table;

/* Which rows of the last pass's output are read whole, and where to. */
typedef struct unmask_logits_table {
  uint32_t struct_size;
  uint32_t rows_len;      /* Number of `rows`. */
  uint64_t requires_bits; /* Bits of `requires`. */
  const uint32_t *rows;   /* [rows_len] indices into the pass's `wanted`, strictly ascending. */
  float *logits;          /* [rows_len, vocab] unnormalised scores. Every one must be written; none may be NaN or infinite. */
  size_t logits_len;      /* Number of `logits`. */
} unmask_logits_table;

/*
 * Which rows of the last pass's output are read in short form, and where to. Banned ids count as if their logits were minus
 * infinity: among the best, in `tail` and in `entropy`. With `best` the logit of a row's best id, p(v) is
 * exp(l(v) - best) / (1 + tail); `tail` leaves the best itself out, so that a confidence near 1 is as exact as its distance
 * from 1. Every number must be written; none of the logits may be NaN or infinite.
 */
typedef struct unmask_top_table {
  uint32_t struct_size;
  uint32_t rows_len;      /* Number of `rows`. */
  uint64_t requires_bits; /* Bits of `requires`. */
  uint32_t k;             /* Entries per row, 1 to the ids that are not banned. */
  uint32_t banned_len;    /* Number of `banned`, fewer than the vocabulary has. */
  uint32_t asked_per_row; /* Asked ids per row; may be 0. */
  uint32_t reserved;      /* 0. */
  const uint32_t *rows;   /* [rows_len] indices into the pass's `wanted`, strictly ascending. */
  const uint32_t *banned; /* [banned_len] ids, strictly ascending. */
  const uint32_t *asked;  /* [rows_len, asked_per_row] ids whose logits are wanted, banned ones too. */
  uint32_t *ids;          /* [rows_len, k], best first, ties by lower id; none of them banned. */
  float *logits;          /* [rows_len, k], in the order of `ids`. */
  double *tail;           /* [rows_len]: the sum of exp(l(v) - best) over all ids but the best and the banned ones; 0 and up,
                             within 1e-5 of the exact sum in relative terms, or within 1e-10. */
  double *entropy;        /* [rows_len]: minus the sum of p ln p over the ids that are not banned, in nat; 0 and up, within
                             1e-5 of it in relative terms, or within 1e-6. */
  float *asked_logits;    /* [rows_len, asked_per_row]: logits of the asked ids. */
  double *divergence;     /* [rows_len], or null if it is not asked for: the sum of p ln(p / p0) in nat; 0 and up, within
                             1e-4 of it in relative terms, or within 1e-5. p0 is of the row that the last such reading of the
                             row's cell remembered, whatever was written to the cell since; both are probabilities among the
                             ids that this reading does not ban. Infinite if there was none, or the row has no cell. This row
                             is remembered whole in turn. */
} unmask_top_table;

/* What a plugin exports as UNMASK_PLUGIN: data, then functions. None is null but those marked optional. */
typedef struct unmask_plugin {
  uint32_t abi_major;   /* UNMASK_ABI_MAJOR */
  uint32_t abi_minor;   /* UNMASK_ABI_MINOR */
  uint32_t struct_size; /* sizeof(unmask_plugin) */
  uint32_t reserved;    /* 0 */
  const char *name;     /* NUL-terminated, static: short lower-case name, as `framework = "..."` says it. */
  const char *version;  /* NUL-terminated, static. */

  /* Optional, null if there are none: the libraries of others that the backend opens by itself; NUL-terminated, static, JSON:

         {"packages": [{"os": "linux", "arch": "x86_64", "flavour": "cpu",
                        "package": "onnxruntime", "version": "1.32.0",
                        "file": "onnxruntime-1.32.0-cp312-cp312-manylinux_2_28_x86_64.whl",
                        "bytes": 27780211, "sha256": "99e1074c...",
                        "members": ["onnxruntime/capi/libonnxruntime.so*"]}, ...]}

     `unmask backends install NAME` takes the first package of this system (linux, macos, windows) and processor (x86_64,
     aarch64) or, with --gpu FLAVOUR, the first of that flavour. It fetches that one file of the Python package index, tests
     its hash, and puts the members side by side into `unmask/runtimes/NAME/VERSION-FLAVOUR` in the user's data folder, where
     the backend looks for them. The last part of a member may hold one star; the first member is the library itself. Until
     it is there, `probe` gives 0 and that command as the remedy. */
  const char *runtimes;

  /* Called once, before all others. Keep `host`. */
  unmask_status (*init)(const unmask_host_table *host, unmask_error_slot *error);
  /* Fills `out`, without loading anything large. */
  unmask_status (*probe)(unmask_probe_row *out, unmask_error_slot *error);
  /* Fills `out` with device `index`; the first is the default. UNMASK_NO_DEVICE if there is none. If `probe` says 0: what it
     could compute on if a model's options gave it what it lacks, else none. */
  unmask_status (*device)(uint32_t index, unmask_device_row *out, unmask_error_slot *error);

  /* Fills `out` with what `model_load` of the same `spec` would take, reading no weights: sizes of files and config.json must
     do. Says why it would be refused, as far as that can be told. */
  unmask_status (*check)(const unmask_load_table *spec, unmask_estimate_row *out, unmask_error_slot *error);
  /* Makes a model; it is immutable and shared by sessions. May take minutes. */
  unmask_status (*model_load)(const unmask_load_table *spec, void **model, unmask_error_slot *error);
  /* Fills `out`, the same at every call. */
  unmask_status (*model_facts)(const void *model, unmask_facts_row *out, unmask_error_slot *error);
  /* Frees a model. Its sessions have been freed before. */
  void (*model_free)(void *model);

  /* Opens a session: slots of cells, and the output of the last pass. It may live over all turns of a conversation. */
  unmask_status (*session_open)(const void *model, const unmask_session_table *spec, void **session,
                                unmask_error_slot *error);
  void (*session_free)(void *session);

  /* Computes a pass: writes the K/V of the fed tokens to their cells and keeps the wanted rows' output, on the device if it
     likes, until the next pass. After a failure there is no output, and the cells that the pass was to write hold unspecified
     values until they are written again; all other cells are as they were. */
  unmask_status (*forward)(void *session, const unmask_pass_table *pass, unmask_error_slot *error);
  /* Reads whole rows of the last pass's output, any number of times. UNMASK_E_INVALID if the last pass failed, or there was
     none. */
  unmask_status (*read_logits)(void *session, const unmask_logits_table *out, unmask_error_slot *error);
  /* Optional: as `read_logits`, but in short form. There if any model has UNMASK_CAP_TOPK_OUTPUT. */
  unmask_status (*read_top)(void *session, const unmask_top_table *out, unmask_error_slot *error);

  /* The next three are optional, and there if any model has UNMASK_CAP_KV_CACHE. They leave the output as it is. */
  /* Makes all cells of slot `to` equal those of slot `from`, with what `read_top` remembers for them. */
  unmask_status (*slot_copy)(void *session, uint32_t from, uint32_t to, unmask_error_slot *error);
  /* Forgets the cells of a slot: they hold unspecified values until they are written again, and their memory may go. */
  unmask_status (*slot_clear)(void *session, uint32_t slot, unmask_error_slot *error);
  /* Makes room for `cells` cells a slot, if there are fewer; the contents of those that there are stay. After
     UNMASK_E_OUT_OF_MEMORY the session is as it was. */
  unmask_status (*session_reserve)(void *session, uint32_t cells, unmask_error_slot *error);

  /* Optional: writes the checkpoint as files of the backend's own kind into `folder`, which is there and empty, for other
     programs to use. `spec` is as for `model_load`. What was written before a failure is left for the host. */
  unmask_status (*model_export)(const unmask_load_table *spec, unmask_text folder, unmask_error_slot *error);
} unmask_plugin;

/* Declared here, so that C++ exports it too. */
extern UNMASK_EXPORT const unmask_plugin UNMASK_PLUGIN;

#ifdef __cplusplus
}
#endif

#endif
