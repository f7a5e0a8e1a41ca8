/* Reads safetensors and keeps every promise, but for the one that UNMASK_TEST_FAULT names. Its answers depend on the fed
   token, its position, the tokens and positions that it sees, in any order, and the weights. */
#include "base.h"
#include <pthread.h>
#include <stdio.h>

typedef struct model {
  uint32_t vocab, seed, threads, attention, block;
} model;

/* What is kept of a token, and the answer that was remembered for it. As long as a small network's. */
typedef struct cell {
  uint32_t token, position, key, is_remembered, ballast[28];
} cell;

/* A row of output: all logits follow from its key. */
typedef struct answer {
  uint32_t key, token, slot, cell;
  float jitter;
} answer;

typedef struct session {
  model model;
  pthread_t home; /* Where it was opened. */
  uint32_t slots_len, cells_len, answers_len, fed, reads;
  cell *cells; /* [slots_len, cells_len] */
  answer *answers;
} session;

static uint32_t passes, asked;

static int has(const char *fault) {
  const char *named = getenv("UNMASK_TEST_FAULT");
  return named != NULL && strcmp(named, fault) == 0;
}

static int is(unmask_text text, const char *word) {
  return text.len == strlen(word) && memcmp(text.ptr, word, text.len) == 0;
}

static unmask_status fail(unmask_error_slot *error, unmask_status code, const char *message) {
  if (!has("mute") || code != UNMASK_E_UNSUPPORTED) PUT(error->message, message);
  return code;
}

static void crash(const char *when) {
  volatile int *volatile nowhere = NULL;
  fprintf(stderr, "about to crash in %s\n", when);
  *nowhere = 1;
}

static void hang(void) {
  static volatile int never;
  while (!never) {
  }
}

static unmask_status faulty_device(uint32_t index, unmask_device_row *out, unmask_error_slot *error) {
  (void)error;
  if (index > 0) return UNMASK_NO_DEVICE;
  PUT(out->id, "cpu");
  PUT(out->name, "cpu");
  PUT(out->precisions, "f32");
  if (has("stammering")) PUT(out->precisions, "f32");
  return UNMASK_OK;
}

/* The file at `path`, NULL if there is none. */
static unsigned char *whole(unmask_text path, size_t *length) {
  char name[1024];
  unsigned char *bytes;
  FILE *file;
  long end;
  if (path.len >= sizeof(name)) return NULL;
  memcpy(name, path.ptr, path.len);
  name[path.len] = 0;
  file = fopen(name, "rb");
  if (file == NULL) return NULL;
  fseek(file, 0, SEEK_END);
  end = ftell(file);
  fseek(file, 0, SEEK_SET);
  bytes = malloc((size_t)end + 1);
  *length = fread(bytes, 1, (size_t)end, file);
  bytes[*length] = 0;
  fclose(file);
  return bytes;
}

/* Whether the header is as long as it says, and the last tensor ends with the file. */
static int is_sound(const unsigned char *bytes, size_t length) {
  static const char key[] = "\"data_offsets\":[";
  size_t header = 0, last = 0, at;
  if (length < 8) return 0;
  for (at = 8; at-- > 0;) header = header << 8 | bytes[at];
  if (header > length - 8) return 0;
  for (at = 8; at + sizeof(key) < 8 + header; at++) {
    char *end;
    if (memcmp(bytes + at, key, sizeof(key) - 1) != 0) continue;
    strtoul((const char *)bytes + at + sizeof(key) - 1, &end, 10);
    at = (size_t)strtoul(end + 1, &end, 10);
    if (at > last) last = at;
    at = (size_t)(end - (const char *)bytes);
  }
  return last > 0 && last == length - 8 - header;
}

static unmask_status read_weights(const unmask_load_table *spec, uint32_t *seed, unmask_error_slot *error) {
  size_t length = 0, at;
  unsigned char *bytes = spec->weights_len > 0 ? whole(spec->weights[0], &length) : NULL;
  int sound = bytes != NULL && is_sound(bytes, length);
  *seed = 1;
  for (at = 0; at < length; at++) *seed = *seed * 31 + bytes[at];
  free(bytes);
  if (sound || has("gullible")) return UNMASK_OK;
  return fail(error, UNMASK_E_CHECKPOINT, "these are no weights; fetch them again");
}

/* What a load refuses before it reads weights, and a check alike. */
static unmask_status judge(const unmask_load_table *spec, uint32_t *vocab, unmask_error_slot *error) {
  static const char key[] = "\"vocab_size\":";
  char config[8192];
  size_t length = spec->config_json.len < sizeof(config) ? spec->config_json.len : sizeof(config) - 1;
  const char *found;
  if (!has("credulous")) {
    if (!is(spec->device, "cpu")) return fail(error, UNMASK_E_UNSUPPORTED, "there is only cpu");
    if (!is(spec->precision, "f32")) return fail(error, UNMASK_E_UNSUPPORTED, "there is only f32");
  }
  if (!is(spec->family, "llada") && !has("fatherly")) return fail(error, UNMASK_E_UNSUPPORTED, "there is only llada");
  if (spec->requires_bits != 0 || spec->attention > UNMASK_ATTENTION_CAUSAL) {
    return fail(error, UNMASK_E_UNSUPPORTED, "this is too new");
  }
  memcpy(config, spec->config_json.ptr, length);
  config[length] = 0;
  found = strstr(config, key);
  if (found == NULL && has("panicky")) return fail(error, UNMASK_E_PANICKED, "the configuration is bad");
  if (found == NULL) return fail(error, UNMASK_E_CHECKPOINT, "config.json lacks vocab_size");
  *vocab = (uint32_t)strtoul(found + sizeof(key) - 1, NULL, 10);
  return UNMASK_OK;
}

static unmask_status faulty_check(const unmask_load_table *spec, unmask_estimate_row *out, unmask_error_slot *error) {
  uint32_t vocab, seed;
  unmask_status status = judge(spec, &vocab, error);
  if (has("overeager")) status = read_weights(spec, &seed, error);
  if (status != UNMASK_OK) return status;
  out->threads = spec->threads;
  out->weights_bytes = has("understated") ? 100000000 : 1000;
  out->cell_bytes = sizeof(cell) + (has("miscounted") ? 1 : 0);
  return UNMASK_OK;
}

static unmask_status faulty_load(const unmask_load_table *spec, void **out, unmask_error_slot *error) {
  model made, *kept;
  unmask_status status;
  if (has("load-crash")) crash("load");
  status = judge(spec, &made.vocab, error);
  if (status == UNMASK_OK && has("fussy") && spec->attention == UNMASK_ATTENTION_CAUSAL) {
    return fail(error, UNMASK_E_UNSUPPORTED, "nothing is causal here");
  }
  if (status == UNMASK_OK) status = read_weights(spec, &made.seed, error);
  if (status != UNMASK_OK) return status;
  made.threads = spec->threads;
  made.attention = has("kindless") ? UNMASK_ATTENTION_BIDIRECTIONAL : spec->attention;
  made.block = spec->attention_block;
  if (has("blockless") && made.attention == UNMASK_ATTENTION_BLOCK_CAUSAL) made.attention = UNMASK_ATTENTION_CAUSAL;
  if (has("miscounted blocks")) made.block++;
  if (has("fatherly") && !is(spec->family, "llada")) made.seed++;
  if (has("moody")) made.seed += asked++;
  if (has("leak")) memset(malloc(16 << 20), 1, 16 << 20);
  if (spec->progress(spec->context, spec->device, 1, 2) != 0 && !has("stubborn")) {
    return fail(error, UNMASK_E_CANCELLED, "stopped");
  }
  kept = malloc(sizeof(model));
  *kept = made;
  *out = kept;
  return UNMASK_OK;
}

static unmask_status faulty_facts(const void *handle, unmask_facts_row *out, unmask_error_slot *error) {
  (void)error;
  out->vocab = ((const model *)handle)->vocab;
  out->max_positions = has("fickle") ? 100 + asked++ : 256;
  out->memory_bytes = 1000;
  out->cell_bytes = sizeof(cell);
  out->capabilities = UNMASK_CAP_BATCH | UNMASK_CAP_KV_CACHE | UNMASK_CAP_TOPK_OUTPUT | UNMASK_CAP_CONCURRENT |
                      UNMASK_CAP_LEFT_PADDING | UNMASK_CAP_ATTENTION_MASK | UNMASK_CAP_DIVERGENCE;
  if (!has("deaf and honest")) out->capabilities |= UNMASK_CAP_CANCEL;
  if (!has("jittery and honest")) out->capabilities |= UNMASK_CAP_DETERMINISTIC;
  /* A bit that nobody knows is ignored. */
  out->capabilities |= UINT64_C(1) << 63;
  if (!has("nameless")) PUT(out->precision, "f32");
  if (has("blank")) PUT(out->notes, " ");
  return UNMASK_OK;
}

static unmask_status faulty_open(const void *handle, const unmask_session_table *spec, void **out,
                                 unmask_error_slot *error) {
  session *made = calloc(1, sizeof(session));
  (void)error;
  made->model = *(const model *)handle;
  made->home = pthread_self();
  made->slots_len = spec->slots;
  made->cells_len = spec->cells;
  if (spec->cells > 0) made->cells = calloc((size_t)spec->slots * spec->cells, sizeof(cell));
  /* Room for a whole canvas that nobody will keep. */
  if (spec->cells == 0 && has("hoarding")) {
    made->cells = malloc(2 * 256 * sizeof(cell));
    memset(made->cells, 1, 2 * 256 * sizeof(cell));
  }
  *out = made;
  return UNMASK_OK;
}

static void faulty_free(void *handle) { free(handle); }

static void faulty_close(void *handle) {
  session *own = handle;
  if (has("free-crash")) crash("free");
  free(own->cells);
  free(own->answers);
  free(own);
}

static uint32_t mixed(uint32_t token, uint32_t position, uint32_t seed) {
  uint32_t key = (token * 31 + position * 1009 + seed) * 2246822519u;
  return (key ^ key >> 15) * 3266489917u;
}

static int sees(const model *model, uint32_t query, uint32_t key) {
  if (model->attention == UNMASK_ATTENTION_CAUSAL) return key <= query;
  if (model->attention == UNMASK_ATTENTION_BLOCK_CAUSAL) return key / model->block <= query / model->block;
  return 1;
}

/* One row of a pass, with the range of its fed tokens, its cells and its part of the mask. */
typedef struct span {
  unmask_row_table row;
  uint32_t first, last;
  cell *slot;
  const uint32_t *mask;
} span;

static void write_cells(const session *own, const unmask_pass_table *pass, const span *span) {
  uint32_t at;
  for (at = span->first; at < span->last; at++) {
    uint32_t place = pass->cells[at];
    if (has("leaving traces") && place == UNMASK_NO_CELL) place = pass->positions[at];
    if (has("taking positions for cells") && place != UNMASK_NO_CELL) place = pass->positions[at];
    if (place >= own->cells_len) continue;
    span->slot[place].token = pass->tokens[at];
    span->slot[place].position = has("taking cells for positions") ? place : pass->positions[at];
  }
}

/* Whether fed token `at` is a key of its own. */
static int is_loose(const unmask_pass_table *pass, const span *span, uint32_t at) {
  uint32_t place = pass->cells[at];
  if (at < span->first + span->row.padding && !has("seeing padding")) return 0;
  if (has("blind to drafts") && span->row.context_end > span->row.context_start) return 0;
  return place < span->row.context_start || place >= span->row.context_end;
}

/* The keys of a row; gives their number. */
static uint32_t collect(const session *own, const unmask_pass_table *pass, const span *span, cell *keys) {
  uint32_t at, len = 0, end = has("nosy") && span->mask == NULL && span->row.context_end > 0 ? own->cells_len : span->row.context_end;
  for (at = span->row.context_start; at < end; at++) keys[len++] = span->slot[at];
  for (at = span->first; at < span->last; at++) {
    if (!is_loose(pass, span, at)) continue;
    keys[len].token = pass->tokens[at];
    keys[len++].position = pass->positions[at];
  }
  return len;
}

/* What fed token `at` sees, in a number. */
static uint32_t attend(const model *model, const unmask_pass_table *pass, const span *span, uint32_t at,
                       const cell *keys, uint32_t keys_len) {
  uint32_t key, sum = 0, context = span->row.context_end - span->row.context_start;
  const uint32_t *bits = span->mask;
  if (bits != NULL) bits += (size_t)(at - span->first) * ((keys_len + 31) / 32);
  for (key = 0; key < keys_len; key++) {
    int seen = sees(model, pass->positions[at], keys[key].position);
    if (bits != NULL && !has("unmasked")) seen = bits[key / 32] >> key % 32 & 1;
    if (has("unmasked in the context") && key < context) seen = 1;
    if (has("short of blocks") && model->attention == UNMASK_ATTENTION_BLOCK_CAUSAL && key < context) {
      seen = seen && keys[key].position / model->block + 1 >= pass->positions[at] / model->block;
    }
    if (seen) sum += mixed(keys[key].token, keys[key].position, model->seed);
  }
  return sum;
}

/* What spoils all answers of a pass. */
static void spoil(session *own, const unmask_pass_table *pass, uint32_t *seed) {
  const unmask_row_table *first = pass->rows;
  static void *last;
  passes++;
  if (pass->wanted_len == 0 && has("crash")) crash("forward");
  if (pass->wanted_len == 0 && has("hang")) hang();
  if (has("drift")) *seed += passes;
  if (has("threads")) *seed += own->model.threads;
  if (has("forgetful") && first->fed < first->context_end - first->context_start) ++*seed;
  if (has("crowded") && pass->rows_len > 1) ++*seed;
  if (has("homesick") && !pthread_equal(pthread_self(), own->home)) ++*seed;
  if (has("shared") && last != own) ++*seed;
  if (has("lost without cells") && own->cells_len == 0) ++*seed;
  last = own;
}

/* Why the pass is refused that could be computed; NULL if it is not. */
static const char *complaint(const unmask_pass_table *pass) {
  uint32_t at, earlier;
  for (at = 0; at < pass->tokens_len; at++) {
    if (has("orderly") && at > 0 && pass->rows_len == 1 && pass->positions[at] < pass->positions[at - 1]) {
      return "positions do not ascend";
    }
    for (earlier = 0; earlier < at && has("unrepeating"); earlier++) {
      if (pass->rows_len == 1 && pass->positions[at] == pass->positions[earlier]) return "a position comes twice";
    }
  }
  return NULL;
}

static const unmask_row_table *row_at(const unmask_pass_table *pass, uint32_t index) {
  return (const unmask_row_table *)(const void *)((const char *)pass->rows + (size_t)index * pass->rows_stride);
}

/* Computes the wanted tokens of one row from `*wanted` on. */
static unmask_status compute(session *own, const unmask_pass_table *pass, const span *span, const cell *keys,
                             uint32_t keys_len, uint32_t seed, uint32_t *wanted) {
  for (; *wanted < pass->wanted_len && pass->wanted[*wanted] < span->last; ++*wanted) {
    uint32_t at = pass->wanted[*wanted];
    answer *answer = own->answers + *wanted;
    /* As if what is wanted ended where what is fed does. */
    if (has("taking the last rows") && span->row.fed < span->row.context_end - span->row.context_start) {
      at += span->last - 1 - pass->wanted[pass->wanted_len - 1];
    }
    if (*pass->cancel != 0 && !has("deaf") && !has("deaf and honest")) return UNMASK_E_CANCELLED;
    answer->key = mixed(pass->tokens[at], pass->positions[at], seed) + attend(&own->model, pass, span, at, keys, keys_len);
    answer->token = pass->tokens[at];
    answer->slot = span->row.slot;
    answer->cell = pass->cells[at];
    answer->jitter = has("jittery") || has("jittery and honest") ? (float)(passes % 7) * 1e-6f : 0;
  }
  return UNMASK_OK;
}

static unmask_status faulty_forward(void *handle, const unmask_pass_table *pass, unmask_error_slot *error) {
  session *own = handle;
  span span = {{0, 0, 0, 0, 0, 0}, 0, 0, NULL, NULL};
  uint32_t index, wanted = 0, seed = own->model.seed;
  const uint32_t *mask = (pass->requires_bits & UNMASK_REQUIRES_PASS_MASK) != 0 ? pass->mask : NULL;
  cell *keys = malloc(sizeof(cell) * (own->cells_len + pass->tokens_len));
  const char *why = complaint(pass);
  unmask_status status = UNMASK_OK;
  own->answers_len = own->reads = 0;
  own->fed = pass->tokens_len;
  own->answers = realloc(own->answers, sizeof(answer) * pass->wanted_len + 1);
  spoil(own, pass, &seed);
  if ((pass->requires_bits & ~UNMASK_REQUIRES_PASS_MASK) != 0) why = "this is too new";
  for (index = 0; index < pass->rows_len && status == UNMASK_OK && why == NULL; index++) {
    uint32_t keys_len;
    span.row = *row_at(pass, index);
    span.first = span.last;
    span.last += span.row.fed;
    span.slot = own->cells + (size_t)(has("of one slot") ? 0 : span.row.slot) * own->cells_len;
    span.mask = mask;
    if (!has("late")) write_cells(own, pass, &span);
    keys_len = collect(own, pass, &span, keys);
    if (has("late")) write_cells(own, pass, &span);
    status = compute(own, pass, &span, keys, keys_len, seed, &wanted);
    if (mask != NULL) mask += (size_t)span.row.fed * ((keys_len + 31) / 32);
  }
  free(keys);
  if (why != NULL) return fail(error, UNMASK_E_UNSUPPORTED, why);
  if (status != UNMASK_OK) return fail(error, status, "stopped");
  own->answers_len = pass->wanted_len;
  return UNMASK_OK;
}

static void score(const session *own, const answer *answer, float *row) {
  uint32_t at;
  for (at = 0; at < own->model.vocab; at++) {
    row[at] = (float)((answer->key * (at + 7) * 2654435761u) >> 16) / 65536.0f + answer->jitter;
  }
  if (answer->token == 0 && has("nan")) row[0] = (float)strtod("nan", NULL);
}

/* Whether all of `rows` are there. */
static int is_there(session *own, const uint32_t *rows, uint32_t rows_len) {
  if (own->reads++ > 0 && has("reading once")) return 0;
  return rows_len == 0 || rows[rows_len - 1] < own->answers_len;
}

static unmask_status faulty_read_logits(void *handle, const unmask_logits_table *out, unmask_error_slot *error) {
  session *own = handle;
  uint32_t at, rows_len = out->rows_len;
  if (out->requires_bits != 0 || !is_there(own, out->rows, rows_len)) return fail(error, UNMASK_E_INVALID, "not there");
  /* Only where the suite watches: anywhere else it would be the heap's. */
  if (own->fed == 7 && has("behind")) out->logits[out->logits_len + 3] = 1.0f;
  if (own->fed == 7 && has("before")) out->logits[-2] = 1.0f;
  if (has("sloppy") && rows_len > 0) rows_len--;
  for (at = 0; at < rows_len; at++) {
    uint32_t row = has("counting") ? at : out->rows[at];
    score(own, own->answers + row, out->logits + (size_t)at * own->model.vocab);
  }
  return UNMASK_OK;
}

/* The sum of p ln(p / q) of the rows of two keys. */
static double diverge(const session *own, const unmask_top_table *out, uint32_t p_key, uint32_t q_key) {
  float *rows = malloc(2 * sizeof(float) * own->model.vocab), *p = rows, *q = rows + own->model.vocab;
  answer of_p = {0, 1, 0, 0, 0}, of_q = {0, 1, 0, 0, 0};
  double p_sum = 0, q_sum = 0, sum = 0;
  uint32_t at;
  of_p.key = p_key;
  of_q.key = q_key;
  score(own, &of_p, p);
  score(own, &of_q, q);
  for (at = 0; at < own->model.vocab; at++) {
    if (is_banned(out, at) && !has("unbanning")) continue;
    p_sum += exp(p[at]);
    q_sum += exp(q[at]);
  }
  for (at = 0; at < own->model.vocab; at++) {
    if (!is_banned(out, at) || has("unbanning")) sum += exp(p[at]) / p_sum * ((p[at] - log(p_sum)) - (q[at] - log(q_sum)));
  }
  free(rows);
  return sum < 0 ? 0 : sum;
}

static void remember(session *own, const unmask_top_table *out, const answer *answer, double *divergence) {
  cell *cell;
  *divergence = HUGE_VAL;
  if (answer->cell == UNMASK_NO_CELL) return;
  cell = own->cells + (size_t)answer->slot * own->cells_len + answer->cell;
  if (cell->is_remembered) *divergence = diverge(own, out, answer->key, cell->key) * (has("exaggerating") ? 2 : 1);
  if (!cell->is_remembered || !has("living in the past")) cell->key = answer->key;
  cell->is_remembered = 1;
}

/* Row `row` of the short form of `logits`. */
static void put_top(const session *own, const unmask_top_table *out, float *logits, uint32_t row) {
  unmask_top_table said = *out;
  uint32_t at, vocab = own->model.vocab, best = vocab;
  if (has("ban-blind")) said.banned_len = 0;
  shorten(logits, vocab, &said, row);
  if (has("half-banning")) {
    for (at = 0; at < out->banned_len; at++) {
      out->tail[row] += exp(logits[out->banned[at]] - out->logits[(size_t)row * out->k]);
    }
  }
  if (has("confused")) out->entropy[row] /= 2;
  if (has("counting the best")) out->tail[row] += 1;
  if (has("numberless")) out->tail[row] = NAN;
  if (has("mislabelling")) out->ids[(size_t)row * out->k] = (out->ids[(size_t)row * out->k] + 1) % vocab;
  if (has("mishearing")) {
    for (at = row * out->asked_per_row; at < (row + 1) * out->asked_per_row; at++) {
      out->asked_logits[at] = logits[(out->asked[at] + 1) % vocab];
    }
  }
  /* A modest one passes over the best. */
  if (has("modest")) {
    best = out->ids[(size_t)row * out->k];
    logits[best] = -1.0f;
    shorten(logits, vocab, &said, row);
  }
}

static unmask_status faulty_read_top(void *handle, const unmask_top_table *out, unmask_error_slot *error) {
  session *own = handle;
  float *logits = malloc(sizeof(float) * own->model.vocab);
  uint32_t row, there = is_there(own, out->rows, out->rows_len);
  if ((out->requires_bits & ~UNMASK_REQUIRES_TOP_DIVERGENCE) != 0) there = 0;
  for (row = 0; there && row < out->rows_len; row++) {
    const answer *answer = own->answers + (has("counting") ? row : out->rows[row]);
    score(own, answer, logits);
    put_top(own, out, logits, row);
    if ((out->requires_bits & UNMASK_REQUIRES_TOP_DIVERGENCE) != 0) remember(own, out, answer, out->divergence + row);
  }
  free(logits);
  if (!there) return fail(error, UNMASK_E_INVALID, "not there");
  if (has("top behind")) out->ids[out->rows_len * out->k] = 0;
  return UNMASK_OK;
}

static void forget(session *own, uint32_t slot) {
  uint32_t at;
  for (at = 0; at < own->cells_len; at++) {
    cell *cell = own->cells + (size_t)slot * own->cells_len + at;
    if (has("clearing another")) cell->token++;
    if (!has("unforgetting")) cell->is_remembered = 0;
  }
}

static unmask_status faulty_copy(void *handle, uint32_t from, uint32_t to, unmask_error_slot *error) {
  session *own = handle;
  size_t cells = own->cells_len;
  (void)error;
  if (has("copying nothing") || cells == 0) return UNMASK_OK;
  if (!has("copying short")) memmove(own->cells + to * cells, own->cells + from * cells, sizeof(cell) * cells);
  else memmove(own->cells + to * cells, own->cells + from * cells, sizeof(cell) * (cells / 8));
  if (has("copying without memory") && from != to) forget(own, to);
  return UNMASK_OK;
}

static unmask_status faulty_clear(void *handle, uint32_t slot, unmask_error_slot *error) {
  session *own = handle;
  (void)error;
  forget(own, has("clearing another") ? (slot + 1) % own->slots_len : slot);
  return UNMASK_OK;
}

static unmask_status faulty_reserve(void *handle, uint32_t cells, unmask_error_slot *error) {
  session *own = handle;
  cell *more;
  size_t slot;
  (void)error;
  if (cells <= own->cells_len) return UNMASK_OK;
  more = calloc((size_t)own->slots_len * cells, sizeof(cell));
  for (slot = 0; slot < own->slots_len && own->cells_len > 0 && !has("spilling"); slot++) {
    memcpy(more + slot * cells, own->cells + slot * own->cells_len, sizeof(cell) * own->cells_len);
  }
  free(own->cells);
  own->cells = more;
  own->cells_len = cells;
  return UNMASK_OK;
}

UNMASK_EXPORT const unmask_plugin UNMASK_PLUGIN = {
    MAJOR,          MINOR,       SIZE,           0,                  "faulty",        "0.0.1",     NULL,
    good_init,      good_probe,  faulty_device,  faulty_check,       faulty_load,     faulty_facts, faulty_free,
    faulty_open,    faulty_close, faulty_forward, faulty_read_logits, faulty_read_top, faulty_copy, faulty_clear,
    faulty_reserve, NULL,
};
