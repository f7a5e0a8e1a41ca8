/* Reads safetensors and keeps every promise, but for the one that UNMASK_TEST_FAULT names. Its answers depend on the fed
   token, its position and the weights, so that batches, caches and padding come for free. */
#include "base.h"
#include <pthread.h>
#include <stdio.h>

typedef struct model {
  uint32_t vocab, seed, threads;
  pthread_t home; /* Of a session: where it was opened. */
} model;

static uint32_t passes, asked;

static int has(const char *fault) {
  const char *named = getenv("UNMASK_TEST_FAULT");
  return named != NULL && strcmp(named, fault) == 0;
}

static int is(unmask_text text, const char *word) {
  return text.len == strlen(word) && memcmp(text.ptr, word, text.len) == 0;
}

static unmask_status fail(unmask_error_slot *error, unmask_status code, const char *message) {
  size_t length = has("mute") && code == UNMASK_E_UNSUPPORTED ? 0 : strlen(message);
  memcpy(error->message.bytes, message, length);
  error->message.len = (uint32_t)length;
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

static unmask_status faulty_load(const unmask_load_table *spec, void **out, unmask_error_slot *error) {
  static const char key[] = "\"vocab_size\":";
  char config[8192];
  size_t length = spec->config_json.len < sizeof(config) ? spec->config_json.len : sizeof(config) - 1;
  const char *found;
  model made, *kept;
  unmask_status status;
  if (has("load-crash")) crash("load");
  if (!has("credulous")) {
    if (!is(spec->device, "cpu")) return fail(error, UNMASK_E_UNSUPPORTED, "there is only cpu");
    if (!is(spec->precision, "f32")) return fail(error, UNMASK_E_UNSUPPORTED, "there is only f32");
  }
  if (!is(spec->family, "llada") && !has("fatherly")) return fail(error, UNMASK_E_UNSUPPORTED, "there is only llada");
  memcpy(config, spec->config_json.ptr, length);
  config[length] = 0;
  found = strstr(config, key);
  if (found == NULL && has("panicky")) return fail(error, UNMASK_E_PANICKED, "the configuration is bad");
  if (found == NULL) return fail(error, UNMASK_E_CHECKPOINT, "config.json lacks vocab_size");
  made.vocab = (uint32_t)strtoul(found + sizeof(key) - 1, NULL, 10);
  made.threads = spec->threads;
  status = read_weights(spec, &made.seed, error);
  if (status != UNMASK_OK) return status;
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
  out->capabilities = UNMASK_CAP_BATCH | UNMASK_CAP_KV_CACHE | UNMASK_CAP_CONCURRENT | UNMASK_CAP_LEFT_PADDING;
  out->capabilities |= UNMASK_CAP_TOPK_OUTPUT;
  if (!has("deaf and honest")) out->capabilities |= UNMASK_CAP_CANCEL;
  /* A bit that nobody knows is ignored. */
  out->capabilities |= UINT64_C(1) << 63;
  if (!has("nameless")) PUT(out->precision, "f32");
  return UNMASK_OK;
}

static unmask_status faulty_open(const void *handle, const unmask_session_table *spec, void **out,
                                 unmask_error_slot *error) {
  (void)spec, (void)error;
  *out = malloc(sizeof(model));
  memcpy(*out, handle, sizeof(model));
  ((model *)*out)->home = pthread_self();
  return UNMASK_OK;
}

static void faulty_free(void *handle) {
  if (has("free-crash")) crash("free");
  free(handle);
}

static void score(const model *model, uint32_t token, uint32_t position, float *row) {
  uint32_t at, key = token * 31 + position * 1009 + model->seed;
  for (at = 0; at < model->vocab; at++) row[at] = (float)((key * (at + 7) * 2654435761u) >> 16) / 65536.0f;
}

static unmask_status compute(void *session, const unmask_pass_table *pass, float *out, unmask_error_slot *error) {
  const model *model = session;
  struct model mine = *model;
  uint32_t row, wanted = pass->wanted_len;
  const unmask_row_table *first = pass->rows;
  static void *last;
  passes++;
  if (wanted == 0 && has("crash")) crash("forward");
  if (wanted == 0 && has("hang")) hang();
  if (has("drift")) mine.seed += passes;
  if (has("threads")) mine.seed += model->threads;
  if (has("forgetful") && first->fed < first->attend_end - first->attend_start) mine.seed++;
  if (has("crowded") && pass->rows_len > 1) mine.seed++;
  if (has("homesick") && !pthread_equal(pthread_self(), model->home)) mine.seed++;
  if (has("shared") && last != session) mine.seed++;
  last = session;
  if (has("sloppy") && wanted > 0) wanted--;
  for (row = 0; row < wanted; row++) {
    uint32_t at = pass->wanted[row];
    if (*pass->cancel != 0 && !has("deaf") && !has("deaf and honest")) return fail(error, UNMASK_E_CANCELLED, "stopped");
    score(&mine, pass->tokens[at], pass->positions[at], out + (size_t)row * mine.vocab);
    if (pass->tokens[at] == 0 && has("nan")) out[(size_t)row * mine.vocab] = (float)strtod("nan", NULL);
  }
  return UNMASK_OK;
}

static unmask_status faulty_forward(void *session, const unmask_pass_table *pass, float *out, size_t out_len,
                                    unmask_error_slot *error) {
  /* Only where the suite watches: anywhere else it would be the heap's. */
  if (pass->tokens_len == 7 && has("behind")) out[out_len + 3] = 1.0f;
  if (pass->tokens_len == 7 && has("before")) out[-2] = 1.0f;
  return compute(session, pass, out, error);
}

/* Good enough between 0 and 1, where all scores are, and a little above. */
static double exponential(double x) {
  double term = 1, sum = 1;
  int at;
  for (at = 1; at < 40; at++) sum += term *= x / at;
  return sum;
}

static double logarithm(double y) {
  double x = 0;
  int at;
  for (at = 0; at < 60; at++) x += 2 * (y - exponential(x)) / (y + exponential(x));
  return x;
}

static void summarise(const float *row, uint32_t vocab, float *log_sum_exp, float *entropy) {
  double sum = 0, weighted = 0;
  uint32_t at;
  for (at = 0; at < vocab; at++) {
    double part = exponential(row[at]);
    sum += part;
    weighted += part * row[at];
  }
  *log_sum_exp = (float)logarithm(sum);
  *entropy = (float)(logarithm(sum) - weighted / sum) * (has("confused") ? 2.0f : 1.0f);
}

static uint32_t best_of(const float *row, uint32_t vocab) {
  uint32_t best = 0, at;
  for (at = 1; at < vocab; at++) {
    if (row[at] > row[best]) best = at;
  }
  return best;
}

static unmask_status faulty_top(void *session, const unmask_pass_table *pass, const unmask_top_table *out,
                                unmask_error_slot *error) {
  uint32_t vocab = ((const model *)session)->vocab, row, k;
  float *scores = malloc(sizeof(float) * vocab * (pass->wanted_len + 1));
  unmask_status status = compute(session, pass, scores, error);
  for (row = 0; status == UNMASK_OK && row < pass->wanted_len; row++) {
    float *mine = scores + (size_t)row * vocab;
    summarise(mine, vocab, out->log_sum_exp + row, out->entropy + row);
    /* A modest one passes over the best. */
    if (has("modest")) mine[best_of(mine, vocab)] = -1.0f;
    for (k = 0; k < out->k; k++) {
      uint32_t best = best_of(mine, vocab);
      out->ids[row * out->k + k] = best;
      out->logits[row * out->k + k] = mine[best];
      mine[best] = -1.0f;
    }
  }
  if (has("top behind")) out->ids[pass->wanted_len * out->k] = 0;
  free(scores);
  return status;
}

UNMASK_EXPORT const unmask_plugin UNMASK_PLUGIN = {
    MAJOR,       MINOR,       SIZE,          0,            "faulty",    "0.0.1",     good_init,
    good_probe,  faulty_device, faulty_load, faulty_facts, faulty_free, faulty_open, faulty_free,
    faulty_forward, faulty_top, NULL,        NULL,
};
