/*
 * The smallest backend, in C: every position wants the token equal to its own index. Copy it to start your own.
 *
 *     cc -std=c99 -O2 -shared -fPIC -I core/api/include plugins/examples/c/toy.c -o libunmask_backend_ctoy.so -lm
 *     unmask backends --plugin libunmask_backend_ctoy.so
 *
 * (macOS: name it .dylib. Windows: cl /LD /I core\api\include plugins\examples\c\toy.c /Fe:unmask_backend_ctoy.dll)
 *
 * A model entry uses it with `framework = "ctoy"` and a checkpoint folder. It has no weights and no network, but it keeps
 * every promise of the header, so it takes part in the conformance suite. C++ is just as good, if no exception leaves a
 * function of the table.
 */
#include "unmask_backend.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What the handles point to; the host never looks inside. */
typedef struct toy_model {
  uint32_t vocab, attention, block;
} toy_model;

/* What a network keeps of a token as K and V; here it is the token itself, and its position. */
typedef struct toy_cell {
  uint32_t token, position;
} toy_cell;

/* Slots of cells, and the output of the last pass. */
typedef struct toy_session {
  toy_model model;
  uint32_t slots_len, cells_len;
  toy_cell *cells; /* [slots_len, cells_len] */
  int has_output;
  uint32_t output_len;
  float *output; /* [output_len, vocab] */
} toy_session;

/* The host's services, as much of them as it has; they live until the process ends. */
static unmask_host_table the_host;

/* Tables of a host that is older or newer than this header: what both know is read, the rest is absent. */
static void take(void *mine, size_t size, const void *theirs, uint32_t their_size) {
  memset(mine, 0, size);
  memcpy(mine, theirs, their_size < size ? their_size : size);
}
#define TAKE(MINE, THEIRS) take(&(MINE), sizeof(MINE), THEIRS, (THEIRS)->struct_size)
/* The way back, for what was taken, changed, and is the host's to read. */
#define GIVE(THEIRS, MINE) memcpy(THEIRS, &(MINE), (THEIRS)->struct_size < sizeof(MINE) ? (THEIRS)->struct_size : sizeof(MINE))

/* Text for the host: pointer and length. */
static unmask_text text(const char *string) {
  unmask_text result;
  result.ptr = string;
  result.len = strlen(string);
  return result;
}

static int same(unmask_text have, const char *want) {
  return have.len == strlen(want) && memcmp(have.ptr, want, have.len) == 0;
}

/* Text into the host's sink, of any length; for a list, once for each entry. */
static void put(unmask_sink sink, const char *string) {
  if (sink.put != NULL) sink.put(sink.context, text(string));
}

/* Every failure says what, where and what to do. */
static unmask_status fail(unmask_error_slot *error, unmask_status code, const char *message) {
  unmask_error_slot slot;
  TAKE(slot, error);
  put(slot.message, message);
  return code;
}

/* Whoever ignores what it does not know computes something else than it was asked for. */
static unmask_status too_new(unmask_error_slot *error) {
  return fail(error, UNMASK_E_UNSUPPORTED, "this requires something that the backend does not know; update the backend");
}

static unmask_status toy_init(const unmask_host_table *host, unmask_error_slot *error) {
  (void)error;
  TAKE(the_host, host);
  return UNMASK_OK;
}

static void tell(uint32_t level, const char *message) {
  if (the_host.log == NULL || level > the_host.log_level) return;
  the_host.log(the_host.context, level, text("toy"), text(message));
}

/* A real backend looks here for its device and its vendor library, and says what is missing. */
static unmask_status toy_probe(unmask_probe_row *out, unmask_error_slot *error) {
  unmask_probe_row row;
  (void)error;
  TAKE(row, out);
  row.score = 1; /* Nobody should be offered this one first. */
  GIVE(out, row);
  return UNMASK_OK;
}

static unmask_status toy_device(uint32_t index, unmask_device_row *out, unmask_error_slot *error) {
  unmask_device_row row;
  (void)error;
  if (index > 0) return UNMASK_NO_DEVICE;
  TAKE(row, out);
  row.kind = UNMASK_DEVICE_CPU;
  put(row.id, "cpu");
  put(row.name, "any processor");
  put(row.precisions, "f32");
  GIVE(out, row);
  return UNMASK_OK;
}

/* The number after "vocab_size", 0 if there is none. A real backend has a JSON parser. */
static uint32_t vocabulary(unmask_text config) {
  static const char key[] = "\"vocab_size\"";
  size_t at, n = sizeof key - 1;
  uint32_t value = 0;
  for (at = 0; at + n <= config.len; at++) {
    if (memcmp(config.ptr + at, key, n) != 0) continue;
    for (at += n; at < config.len && strchr(": \t\r\n", config.ptr[at]) != NULL; at++) {
    }
    for (; at < config.len && config.ptr[at] >= '0' && config.ptr[at] <= '9' && value < 100000000u; at++) {
      value = value * 10 + (uint32_t)(config.ptr[at] - '0');
    }
    return value;
  }
  return 0;
}

/* What `check` and `model_load` refuse alike. */
static unmask_status judge(const unmask_load_table *spec, unmask_error_slot *error) {
  if (spec->requires_bits != 0) return too_new(error);
  if (!same(spec->device, "cpu")) return fail(error, UNMASK_E_UNSUPPORTED, "there is no such device; use cpu");
  if (!same(spec->precision, "f32")) return fail(error, UNMASK_E_UNSUPPORTED, "there is no such precision; use f32");
  /* There is no kind that this network does not compute, but there may be kinds that nobody has thought of yet. */
  if (spec->attention > UNMASK_ATTENTION_CAUSAL) {
    return fail(error, UNMASK_E_UNSUPPORTED, "the model attends in a way that the backend does not know; update the backend");
  }
  if (vocabulary(spec->config_json) == 0) {
    return fail(error, UNMASK_E_CHECKPOINT, "config.json: `vocab_size` is missing or 0");
  }
  return UNMASK_OK;
}

/* A real backend adds up the sizes of spec->weights here, and reads the network's shape from config.json. */
static unmask_status toy_check(const unmask_load_table *spec, unmask_estimate_row *out, unmask_error_slot *error) {
  unmask_load_table asked;
  unmask_estimate_row row;
  unmask_status status;
  TAKE(asked, spec);
  TAKE(row, out);
  status = judge(&asked, error);
  if (status != UNMASK_OK) return status;
  row.threads = 1;
  row.cell_bytes = sizeof(toy_cell);
  GIVE(out, row);
  return UNMASK_OK;
}

/* A real backend reads spec->weights here, for the network that spec->family names. */
static unmask_status toy_load(const unmask_load_table *spec, void **model, unmask_error_slot *error) {
  unmask_load_table asked;
  toy_model *made;
  char message[64];
  uint32_t vocab;
  unmask_status status;
  TAKE(asked, spec);
  status = judge(&asked, error);
  if (status != UNMASK_OK) return status;
  vocab = vocabulary(asked.config_json);
  if (asked.progress != NULL && asked.progress(asked.context, text("counting tokens"), 0, vocab) != 0) {
    return fail(error, UNMASK_E_CANCELLED, "stopped on request");
  }
  made = malloc(sizeof *made);
  if (made == NULL) return fail(error, UNMASK_E_OUT_OF_MEMORY, "no memory for the model");
  made->vocab = vocab;
  made->attention = asked.attention;
  made->block = asked.attention_block;
  snprintf(message, sizeof message, "%lu tokens, no weights", (unsigned long)vocab);
  tell(UNMASK_LOG_INFO, message);
  *model = made;
  return UNMASK_OK;
}

static unmask_status toy_facts(const void *model, unmask_facts_row *out, unmask_error_slot *error) {
  unmask_facts_row row;
  (void)error;
  TAKE(row, out);
  row.vocab = ((const toy_model *)model)->vocab;
  row.max_positions = 4096;
  row.cell_bytes = sizeof(toy_cell);
  /* Claim what you keep; what is not claimed is never asked, such as the divergence here. */
  row.capabilities = UNMASK_CAP_BATCH | UNMASK_CAP_KV_CACHE | UNMASK_CAP_TOPK_OUTPUT | UNMASK_CAP_CANCEL |
                     UNMASK_CAP_CONCURRENT | UNMASK_CAP_LEFT_PADDING | UNMASK_CAP_ATTENTION_MASK |
                     UNMASK_CAP_DETERMINISTIC;
  put(row.precision, "f32");
  GIVE(out, row);
  return UNMASK_OK;
}

static void toy_free(void *handle) { free(handle); }

static void toy_close(void *handle) {
  toy_session *session = handle;
  free(session->cells);
  free(session->output);
  free(session);
}

/* Opens a session: none of its cells is there if none are asked for. */
static unmask_status toy_open(const void *model, const unmask_session_table *spec, void **session,
                              unmask_error_slot *error) {
  unmask_session_table asked;
  toy_session *made;
  TAKE(asked, spec);
  if (asked.requires_bits != 0) return too_new(error);
  made = calloc(1, sizeof *made);
  if (made == NULL) return fail(error, UNMASK_E_OUT_OF_MEMORY, "no memory for the session");
  made->model = *(const toy_model *)model;
  made->slots_len = asked.slots;
  made->cells_len = asked.cells;
  if (asked.cells > 0) made->cells = calloc((size_t)asked.slots * asked.cells, sizeof *made->cells);
  if (asked.cells > 0 && made->cells == NULL) {
    toy_close(made);
    return fail(error, UNMASK_E_OUT_OF_MEMORY, "no memory for the cells; keep less");
  }
  *session = made;
  return UNMASK_OK;
}

/* One row of a pass, with the range of its fed tokens. */
typedef struct toy_row {
  unmask_row_table table;
  uint32_t first, last; /* `last` is one past the last. */
} toy_row;

/* Goes on to row `index`; begin with a row of zeros. Rows of a newer host may be longer, and lie further apart. */
static void next_row(toy_row *row, const unmask_pass_table *pass, uint32_t index) {
  take(&row->table, sizeof row->table, (const char *)pass->rows + (size_t)index * pass->rows_stride, pass->rows_stride);
  row->first = row->last;
  row->last += row->table.fed;
}

/* Where a network writes K and V of the fed tokens that are to be kept. */
static void write_cells(toy_session *session, const unmask_pass_table *pass, const toy_row *row) {
  toy_cell *slot = session->cells + (size_t)row->table.slot * session->cells_len;
  uint32_t at;
  for (at = row->first; at < row->last; at++) {
    if (pass->cells[at] == UNMASK_NO_CELL) continue;
    slot[pass->cells[at]].token = pass->tokens[at];
    slot[pass->cells[at]].position = pass->positions[at];
  }
}

/* The keys of a row: the cells of its context, then what is fed beside them, but for the padding. Gives their number. */
static uint32_t collect_keys(const toy_session *session, const unmask_pass_table *pass, const toy_row *row,
                             toy_cell *keys) {
  const toy_cell *slot = session->cells + (size_t)row->table.slot * session->cells_len;
  uint32_t at, len = 0;
  for (at = row->table.context_start; at < row->table.context_end; at++) keys[len++] = slot[at];
  for (at = row->first + row->table.padding; at < row->last; at++) {
    uint32_t cell = pass->cells[at];
    if (cell >= row->table.context_start && cell < row->table.context_end) continue;
    keys[len].token = pass->tokens[at];
    keys[len++].position = pass->positions[at];
  }
  return len;
}

/* Whether a query sees a key: as its bit of the mask says, or by their positions. */
static int sees(const toy_model *model, const uint32_t *bits, uint32_t key, uint32_t query_at, uint32_t key_at) {
  if (bits != NULL) return bits[key / 32] >> key % 32 & 1;
  if (model->attention == UNMASK_ATTENTION_CAUSAL) return key_at <= query_at;
  if (model->attention == UNMASK_ATTENTION_BLOCK_CAUSAL) return key_at / model->block <= query_at / model->block;
  return 1;
}

/* The "network": a position wants the token equal to its own index, and a little each token that it sees. Later positions are
   surer, so that the order in which they are unmasked can be seen. */
static void score(const toy_model *model, uint32_t position, const toy_cell *keys, uint32_t keys_len,
                  const uint32_t *bits, float *scores) {
  uint32_t at, seen = 0;
  for (at = 0; at < model->vocab; at++) scores[at] = 0.0f;
  scores[position % model->vocab] = 1.0f + (float)position / 16.0f;
  for (at = 0; at < keys_len; at++) seen += sees(model, bits, at, position, keys[at].position) != 0;
  for (at = 0; at < keys_len; at++) {
    if (sees(model, bits, at, position, keys[at].position)) scores[keys[at].token] += 0.0625f / (float)seen;
  }
}

/* Computes the wanted tokens of one row; `mask` is the row's part, or null. `wanted` is the first that is not computed yet. */
static unmask_status compute_row(toy_session *session, const unmask_pass_table *pass, const toy_row *row,
                                 const uint32_t *mask, toy_cell *keys, uint32_t keys_len, uint32_t *wanted) {
  uint32_t words = (keys_len + 31) / 32;
  for (; *wanted < pass->wanted_len && pass->wanted[*wanted] < row->last; ++*wanted) {
    uint32_t at = pass->wanted[*wanted];
    const uint32_t *bits = mask == NULL ? NULL : mask + (size_t)(at - row->first) * words;
    /* A network asks between layers: a pass can take seconds. */
    if (*pass->cancel != 0) return UNMASK_E_CANCELLED;
    score(&session->model, pass->positions[at], keys, keys_len, bits,
          session->output + (size_t)*wanted * session->model.vocab);
  }
  return UNMASK_OK;
}

/* Computes, and keeps what will be read. The host has checked every index. */
static unmask_status toy_forward(void *session, const unmask_pass_table *pass, unmask_error_slot *error) {
  toy_session *own = session;
  unmask_pass_table asked;
  toy_row row = {{0, 0, 0, 0, 0, 0}, 0, 0};
  const uint32_t *mask;
  toy_cell *keys;
  float *output;
  uint32_t index, wanted = 0;
  unmask_status status = UNMASK_OK;
  TAKE(asked, pass);
  own->has_output = 0;
  if ((asked.requires_bits & ~UNMASK_REQUIRES_PASS_MASK) != 0) return too_new(error);
  output = realloc(own->output, sizeof *output * asked.wanted_len * own->model.vocab + 1);
  if (output != NULL) own->output = output;
  keys = malloc(sizeof *keys * ((size_t)own->cells_len + asked.tokens_len));
  if (output == NULL || keys == NULL) {
    free(keys);
    return fail(error, UNMASK_E_OUT_OF_MEMORY, "no memory for the pass; ask for less at once");
  }
  mask = (asked.requires_bits & UNMASK_REQUIRES_PASS_MASK) != 0 ? asked.mask : NULL;
  for (index = 0; index < asked.rows_len && status == UNMASK_OK; index++) {
    uint32_t keys_len;
    next_row(&row, &asked, index);
    write_cells(own, &asked, &row);
    keys_len = collect_keys(own, &asked, &row, keys);
    status = compute_row(own, &asked, &row, mask, keys, keys_len, &wanted);
    if (mask != NULL) mask += (size_t)row.table.fed * ((keys_len + 31) / 32);
  }
  free(keys);
  if (status != UNMASK_OK) return fail(error, status, "stopped on request");
  own->output_len = asked.wanted_len;
  own->has_output = 1;
  return UNMASK_OK;
}

/* Whether all of `rows` are rows of the output. */
static int is_there(const toy_session *session, const uint32_t *rows, uint32_t rows_len) {
  return session->has_output && (rows_len == 0 || rows[rows_len - 1] < session->output_len);
}

/* The logits of row `row` of the output. */
static const float *output_row(const toy_session *session, uint32_t row) {
  return session->output + (size_t)row * session->model.vocab;
}

static unmask_status toy_read_logits(void *session, const unmask_logits_table *out, unmask_error_slot *error) {
  const toy_session *own = session;
  unmask_logits_table asked;
  size_t vocab = own->model.vocab;
  uint32_t row;
  TAKE(asked, out);
  if (asked.requires_bits != 0) return too_new(error);
  if (!is_there(own, asked.rows, asked.rows_len) || asked.logits_len != asked.rows_len * vocab) {
    return fail(error, UNMASK_E_INVALID, "there is no such output, or its buffer has another size");
  }
  for (row = 0; row < asked.rows_len; row++) {
    memcpy(asked.logits + row * vocab, output_row(own, asked.rows[row]), sizeof(float) * vocab);
  }
  return UNMASK_OK;
}

static int is_banned(const unmask_top_table *asked, uint32_t token) {
  uint32_t at;
  for (at = 0; at < asked->banned_len; at++) {
    if (asked->banned[at] == token) return 1;
  }
  return 0;
}

/* The best of `scores` that is not banned and comes after `before`, where `vocab` comes before all. Among equals the lower id
   comes first. A real backend keeps the best k while it goes over the row once. */
static uint32_t next_best(const unmask_top_table *asked, const float *scores, uint32_t vocab, uint32_t before) {
  uint32_t token, best = vocab;
  for (token = 0; token < vocab; token++) {
    int after = before == vocab || scores[token] < scores[before] || (scores[token] == scores[before] && token > before);
    if (after && (best == vocab || scores[token] > scores[best]) && !is_banned(asked, token)) best = token;
  }
  return best;
}

/* Row `row` of the short form, of its logits. */
static void summarise(const unmask_top_table *asked, uint32_t row, const float *scores, uint32_t vocab) {
  uint32_t at, token, first, best = vocab;
  double tail = 0, weighted = 0;
  for (at = row * asked->k; at < (row + 1) * asked->k; at++) {
    best = next_best(asked, scores, vocab, best);
    asked->ids[at] = best;
    asked->logits[at] = scores[best];
  }
  first = asked->ids[row * asked->k];
  for (token = 0; token < vocab; token++) {
    double below = (double)scores[token] - (double)scores[first];
    if (token == first || is_banned(asked, token)) continue;
    tail += exp(below);
    weighted += exp(below) * below;
  }
  asked->tail[row] = tail;
  asked->entropy[row] = log1p(tail) - weighted / (1 + tail);
  for (at = row * asked->asked_per_row; at < (row + 1) * asked->asked_per_row; at++) {
    asked->asked_logits[at] = scores[asked->asked[at]];
  }
}

static unmask_status toy_read_top(void *session, const unmask_top_table *out, unmask_error_slot *error) {
  const toy_session *own = session;
  unmask_top_table asked;
  uint32_t row;
  TAKE(asked, out);
  if (asked.requires_bits != 0) return too_new(error);
  if (!is_there(own, asked.rows, asked.rows_len)) return fail(error, UNMASK_E_INVALID, "there is no such output");
  for (row = 0; row < asked.rows_len; row++) {
    summarise(&asked, row, output_row(own, asked.rows[row]), own->model.vocab);
  }
  return UNMASK_OK;
}

/* Slots, and their cells, are in the session's range: the host has checked. */
static unmask_status toy_copy(void *session, uint32_t from, uint32_t to, unmask_error_slot *error) {
  toy_session *own = session;
  size_t cells = own->cells_len;
  (void)error;
  if (cells > 0) memmove(own->cells + to * cells, own->cells + from * cells, sizeof *own->cells * cells);
  return UNMASK_OK;
}

/* What was kept may stay: nobody attends to it before it is written again. */
static unmask_status toy_clear(void *session, uint32_t slot, unmask_error_slot *error) {
  (void)session, (void)slot, (void)error;
  return UNMASK_OK;
}

static unmask_status toy_reserve(void *session, uint32_t cells, unmask_error_slot *error) {
  toy_session *own = session;
  toy_cell *more;
  size_t slot;
  if (cells <= own->cells_len) return UNMASK_OK;
  more = calloc((size_t)own->slots_len * cells, sizeof *more);
  if (more == NULL) return fail(error, UNMASK_E_OUT_OF_MEMORY, "no memory for the cells; keep less");
  for (slot = 0; slot < own->slots_len && own->cells_len > 0; slot++) {
    memcpy(more + slot * cells, own->cells + slot * own->cells_len, sizeof *more * own->cells_len);
  }
  free(own->cells);
  own->cells = more;
  own->cells_len = cells;
  return UNMASK_OK;
}

UNMASK_EXPORT const unmask_plugin UNMASK_PLUGIN = {
    UNMASK_ABI_MAJOR, UNMASK_ABI_MINOR, sizeof(unmask_plugin), 0,
    "ctoy",      "0.1.0",
    NULL, /* No libraries to fetch. */
    toy_init,    toy_probe,       toy_device,
    toy_check,   toy_load,        toy_facts,    toy_free,
    toy_open,    toy_close,
    toy_forward, toy_read_logits, toy_read_top,
    toy_copy,    toy_clear,       toy_reserve,
    NULL, /* No files to write. */
};
