/*
 * The contract between unmask and its backends, in C99 (and C++). It says what core/api/src/abi.rs says in Rust; a test
 * compares the two field by field. plugins/examples/c/toy.c is a whole backend written against it.
 *
 * A backend is a shared library that exports one symbol, the table UNMASK_PLUGIN:
 *
 *     UNMASK_EXPORT const unmask_plugin UNMASK_PLUGIN = { UNMASK_ABI_MAJOR, UNMASK_ABI_MINOR, sizeof(unmask_plugin), ... };
 *
 * Its first three words are read before any of its functions is called. Name the library libunmask_backend_NAME.so
 * (.dylib, or unmask_backend_NAME.dll) and put it where `unmask backends` says it looks.
 *
 * Rules
 * - Whoever allocates frees; no memory changes owner. Everything passed to a function is borrowed for that call, unless
 *   said otherwise. Text is UTF-8, pointer and length, not NUL-terminated. Handles are opaque to the host.
 * - A function that can fail returns UNMASK_OK or one of the codes below, and on failure writes what went wrong, where, and
 *   what to do into the host's error slot. The host clamps lengths and replaces bad UTF-8.
 * - No exception may leave a function. Nothing may be written to stdout or stderr: use the host's `log`.
 * - Functions may be called from any thread. Those of one session are called from one thread at a time; those of two
 *   sessions of a model may run at once only if it has UNMASK_CAP_CONCURRENT. Libraries are never unloaded.
 * - New fields go to the end of a table, and UNMASK_ABI_MINOR counts them. `struct_size` is the size of a table as its maker
 *   knew it: read nothing, and write nothing, beyond it. A change of meaning is a new UNMASK_ABI_MAJOR.
 * - The host checks a pass before it hands it over: shapes, orders and ranges hold as they are written here. What a backend
 *   returns is not trusted.
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
#define UNMASK_ABI_MAJOR 1u
/* Counts fields added at the ends of tables. */
#define UNMASK_ABI_MINOR 0u

/* 0 is success; negative codes are kinds of failure, unknown ones included. */
typedef int32_t unmask_status;

#define UNMASK_OK 0
/* The host broke a promise of the contract. */
#define UNMASK_E_INVALID (-1)
/* A device, precision, option or kind of pass that this backend does not have. */
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

/* What a model can do, bits of unmask_facts_row.capabilities. A pass that needs a bit which is not set is never sent. */
/* Several rows in one pass. */
#define UNMASK_CAP_BATCH (UINT64_C(1) << 0)
/* Passes that feed only some positions; the rest comes from the session's cache. */
#define UNMASK_CAP_KV_CACHE (UINT64_C(1) << 1)
/* `forward_top` works. */
#define UNMASK_CAP_TOPK_OUTPUT (UINT64_C(1) << 2)
/* A raised cancel flag stops a running pass between layers. */
#define UNMASK_CAP_CANCEL (UINT64_C(1) << 3)
/* Several sessions may compute at the same time. */
#define UNMASK_CAP_CONCURRENT (UINT64_C(1) << 4)
/* `attend_start` may be above 0. */
#define UNMASK_CAP_LEFT_PADDING (UINT64_C(1) << 5)

/* Borrowed UTF-8. */
typedef struct unmask_text {
  const char *ptr; /* First byte; may be null if `len` is 0. */
  size_t len;      /* Bytes. */
} unmask_text;

/* Host-owned room for text that the plugin fills: `len` bytes used, not NUL-terminated. Cut text at a whole character. */
typedef struct unmask_room_32 {
  uint32_t len;
  char bytes[32];
} unmask_room_32;

typedef struct unmask_room_64 {
  uint32_t len;
  char bytes[64];
} unmask_room_64;

typedef struct unmask_room_128 {
  uint32_t len;
  char bytes[128];
} unmask_room_128;

typedef struct unmask_room_252 {
  uint32_t len;
  char bytes[252];
} unmask_room_252;

typedef struct unmask_room_1020 {
  uint32_t len;
  char bytes[1020];
} unmask_room_1020;

typedef struct unmask_room_2048 {
  uint32_t len;
  char bytes[2048];
} unmask_room_2048;

/* Where a failing function puts its message. */
typedef struct unmask_error_slot {
  uint32_t struct_size;
  unmask_room_1020 message; /* What, where, what to do; lower case, no full stop. */
} unmask_error_slot;

/* Services of the host. Valid until the process ends, callable from any thread. */
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
  uint32_t score;         /* 0 if it cannot; else its rough worth here: 10 for a plain CPU, 100 for a GPU. */
  unmask_room_252 reason; /* Why it cannot, such as `needs Apple silicon`. */
  unmask_room_252 remedy; /* What the user can do about it; empty if nothing. */
} unmask_probe_row;

/* Something to compute on. */
typedef struct unmask_device_row {
  uint32_t struct_size;
  uint32_t kind;              /* UNMASK_DEVICE_... */
  uint64_t total_bytes;       /* Memory in all, 0 if unknown. */
  uint64_t free_bytes;        /* Memory free now, 0 if unknown. */
  unmask_room_64 id;          /* What `device = "..."` in the configuration says: cpu, cuda:0, metal. */
  unmask_room_128 name;       /* For people. */
  unmask_room_128 precisions; /* Comma-separated, the default first: `f32,q4k`. */
} unmask_device_row;

/* What to load, and how. */
typedef struct unmask_load_table {
  uint32_t struct_size;
  uint32_t threads;           /* Threads to compute with, 0 for the backend's choice. */
  uint32_t attention_block;   /* 0: every position attends to every other. n: to its own block of n positions, counted from
                                 position 0, and to earlier blocks. */
  uint32_t weights_len;       /* Number of `weights`. */
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
     with UNMASK_E_CANCELLED. Callable from any thread, during the load only. */
  int32_t (*progress)(void *context, unmask_text stage, uint64_t done, uint64_t total);
} unmask_load_table;

/* What a loaded model is. */
typedef struct unmask_facts_row {
  uint32_t struct_size;
  uint32_t vocab;           /* Columns of a row of logits, 1 and up. */
  uint32_t max_positions;   /* Longest canvas the weights were made for, 1 and up. */
  uint32_t reserved;        /* 0. */
  uint64_t memory_bytes;    /* Memory that the weights hold, mapped files not counted. */
  uint64_t capabilities;    /* UNMASK_CAP_... */
  unmask_room_32 precision; /* The precision in use. */
  unmask_room_2048 notes;   /* Remarks for people, a line each. */
} unmask_facts_row;

/* The room a session needs. */
typedef struct unmask_session_table {
  uint32_t struct_size;
  uint32_t capacity; /* Positions per cache slot: the longest canvas. */
  uint32_t slots;    /* Independent K/V caches, 1 to 64. */
  uint32_t reserved; /* 0. */
} unmask_session_table;

/* One row of a ragged batch. */
typedef struct unmask_row_table {
  uint32_t fed;          /* Fed tokens of this row, 1 and up; the rows' tokens follow one another. */
  uint32_t slot;         /* The K/V cache that it reads and writes; no two rows of a pass share one. */
  uint32_t attend_start; /* First position attended to: the left padding. */
  uint32_t attend_end;   /* One past the last position attended to. */
} unmask_row_table;

/*
 * One forward. Positions are absolute (the RoPE positions). K/V of the fed positions are computed anew and written to the
 * row's slot; K/V of other positions in attend_start..attend_end are read from it. Positions outside that range may be fed
 * too, and give outputs, but nobody attends to them. All arrays are the host's and live for the call.
 */
typedef struct unmask_pass_table {
  uint32_t struct_size;
  uint32_t rows_len;   /* Number of `rows`, 1 and up. */
  uint32_t tokens_len; /* Number of `tokens` and of `positions`: the sum of `fed`. */
  uint32_t wanted_len; /* Number of `wanted`; may be 0. */
  const unmask_row_table *rows; /* [rows_len] */
  const uint32_t *tokens;       /* [tokens_len] ids below the vocabulary. */
  const uint32_t *positions;    /* [tokens_len], strictly ascending within a row, below the session's capacity. */
  const uint32_t *wanted;       /* [wanted_len] indices into `tokens`, strictly ascending. */
  const volatile uint32_t *cancel; /* Read between layers; non-zero means stop with UNMASK_E_CANCELLED. Never null. */
} unmask_pass_table;

/* The best of each wanted row; the host's buffers, all to be filled. */
typedef struct unmask_top_table {
  uint32_t struct_size;
  uint32_t k;         /* Entries per row, 1 to the vocabulary. */
  uint32_t *ids;      /* [wanted_len, k], best first, ties by lower id. */
  float *logits;      /* [wanted_len, k], in the order of `ids`. */
  float *log_sum_exp; /* [wanted_len]: ln of the sum of exp(logit) over the whole vocabulary. */
  float *entropy;     /* [wanted_len]: minus the sum of p ln p, in nat. */
} unmask_top_table;

/* What a plugin exports as UNMASK_PLUGIN: data, then functions. None is null but those marked optional. */
typedef struct unmask_plugin {
  uint32_t abi_major;   /* UNMASK_ABI_MAJOR */
  uint32_t abi_minor;   /* UNMASK_ABI_MINOR */
  uint32_t struct_size; /* sizeof(unmask_plugin) */
  uint32_t reserved;    /* 0 */
  const char *name;     /* NUL-terminated, static: short lower-case name, as `framework = "..."` says it. */
  const char *version;  /* NUL-terminated, static. */

  /* Called once, before all others. Keep `host`. */
  unmask_status (*init)(const unmask_host_table *host, unmask_error_slot *error);
  /* Fills `out`, without loading anything large. */
  unmask_status (*probe)(unmask_probe_row *out, unmask_error_slot *error);
  /* Fills `out` with device `index`; the first is the default. UNMASK_NO_DEVICE if there is none. */
  unmask_status (*device)(uint32_t index, unmask_device_row *out, unmask_error_slot *error);

  /* Makes a model; it is immutable and shared by sessions. */
  unmask_status (*model_load)(const unmask_load_table *spec, void **model, unmask_error_slot *error);
  /* Fills `out`, the same at every call. */
  unmask_status (*model_facts)(const void *model, unmask_facts_row *out, unmask_error_slot *error);
  /* Frees a model. Its sessions have been freed before. */
  void (*model_free)(void *model);

  /* Opens a session: one conversation with its own caches. */
  unmask_status (*session_open)(const void *model, const unmask_session_table *spec, void **session,
                                unmask_error_slot *error);
  void (*session_free)(void *session);

  /* Computes a pass into `out`, [wanted_len, vocab] unnormalised scores, row-major, in the order of `wanted`; `out_len` is
     their number. Every one must be written; none may be NaN or infinite. After a failure the caches are unspecified. */
  unmask_status (*forward)(void *session, const unmask_pass_table *pass, float *out, size_t out_len,
                           unmask_error_slot *error);
  /* Optional: as `forward`, but gives only the best of each row. Present if any model has UNMASK_CAP_TOPK_OUTPUT. */
  unmask_status (*forward_top)(void *session, const unmask_pass_table *pass, const unmask_top_table *out,
                               unmask_error_slot *error);
} unmask_plugin;

/* Declared here, so that C++ exports it too. */
extern UNMASK_EXPORT const unmask_plugin UNMASK_PLUGIN;

#ifdef __cplusplus
}
#endif

#endif
