/* A well-behaved backend, for the test plugins to spoil. */
#ifndef BASE_H
#define BASE_H
#include "unmask_backend.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define VOCAB 8u

static void put_bytes(unmask_sink sink, const char *bytes, size_t length) {
  unmask_text text;
  text.ptr = bytes;
  text.len = length;
  if (sink.put != NULL) sink.put(sink.context, text);
}
#define PUT(SINK, STRING) put_bytes(SINK, STRING, strlen(STRING))

/* What is kept of a pass: which fed tokens are wanted, and the first of the fed ids. */
typedef struct good_session {
  uint32_t wanted_len, first_token;
  uint32_t *wanted;
} good_session;

static int token_of_model;

static unmask_status good_init(const unmask_host_table *host, unmask_error_slot *error) {
  (void)host, (void)error;
  return UNMASK_OK;
}

static unmask_status good_probe(unmask_probe_row *out, unmask_error_slot *error) {
  (void)error;
  out->score = 1;
  return UNMASK_OK;
}

static unmask_status good_device(uint32_t index, unmask_device_row *out, unmask_error_slot *error) {
  (void)error;
  if (index > 0) return UNMASK_NO_DEVICE;
  PUT(out->id, "cpu");
  PUT(out->name, "cpu");
  PUT(out->precisions, "f32");
  PUT(out->precisions, "q4k");
  return UNMASK_OK;
}

static unmask_status good_check(const unmask_load_table *spec, unmask_estimate_row *out, unmask_error_slot *error) {
  (void)spec, (void)error;
  out->threads = 1;
  return UNMASK_OK;
}

static unmask_status good_load(const unmask_load_table *spec, void **model, unmask_error_slot *error) {
  (void)spec, (void)error;
  *model = &token_of_model;
  return UNMASK_OK;
}

static unmask_status good_facts(const void *model, unmask_facts_row *out, unmask_error_slot *error) {
  (void)model, (void)error;
  out->vocab = VOCAB;
  out->max_positions = 64;
  out->capabilities = UNMASK_CAP_BATCH | UNMASK_CAP_TOPK_OUTPUT;
  PUT(out->precision, "f32");
  return UNMASK_OK;
}

static void good_free(void *handle) { (void)handle; }

static unmask_status good_open(const void *model, const unmask_session_table *spec, void **session,
                               unmask_error_slot *error) {
  (void)model, (void)spec, (void)error;
  *session = calloc(1, sizeof(good_session));
  return UNMASK_OK;
}

static void good_close(void *handle) {
  free(((good_session *)handle)->wanted);
  free(handle);
}

static unmask_status good_forward(void *session, const unmask_pass_table *pass, unmask_error_slot *error) {
  good_session *own = session;
  size_t bytes = sizeof(uint32_t) * pass->wanted_len;
  (void)error;
  own->wanted = realloc(own->wanted, bytes + 1);
  if (bytes > 0) memcpy(own->wanted, pass->wanted, bytes);
  own->wanted_len = pass->wanted_len;
  own->first_token = pass->tokens[0];
  return UNMASK_OK;
}

static unmask_status good_read_logits(void *session, const unmask_logits_table *out, unmask_error_slot *error) {
  size_t at;
  (void)session, (void)error;
  for (at = 0; at < out->logits_len; at++) out->logits[at] = (float)(at % VOCAB);
  return UNMASK_OK;
}

static int is_banned(const unmask_top_table *out, uint32_t id) {
  uint32_t at;
  for (at = 0; at < out->banned_len; at++) {
    if (out->banned[at] == id) return 1;
  }
  return 0;
}

/* Row `row` of the short form, all but the divergence, of its whole logits. */
static void shorten(const float *logits, uint32_t vocab, const unmask_top_table *out, uint32_t row) {
  uint32_t at, id, best = vocab, before = vocab;
  double tail = 0, weighted = 0, top;
  for (at = row * out->k; at < (row + 1) * out->k; at++, before = best) {
    best = vocab;
    for (id = 0; id < vocab; id++) {
      int after = before == vocab || logits[id] < logits[before] || (logits[id] == logits[before] && id > before);
      if (after && !is_banned(out, id) && (best == vocab || logits[id] > logits[best])) best = id;
    }
    out->ids[at] = best;
    out->logits[at] = logits[best];
  }
  best = out->ids[row * out->k];
  top = logits[best];
  for (id = 0; id < vocab; id++) {
    double share = exp(logits[id] - top);
    if (id == best || is_banned(out, id)) continue;
    tail += share;
    weighted += share * (logits[id] - top);
  }
  out->tail[row] = tail;
  out->entropy[row] = log1p(tail) - weighted / (1 + tail);
  for (at = row * out->asked_per_row; at < (row + 1) * out->asked_per_row; at++) {
    out->asked_logits[at] = logits[out->asked[at]];
  }
}

static unmask_status good_read_top(void *session, const unmask_top_table *out, unmask_error_slot *error) {
  static const float logits[VOCAB] = {0, 1, 2, 3, 4, 5, 6, 7};
  uint32_t row;
  (void)session, (void)error;
  for (row = 0; row < out->rows_len; row++) shorten(logits, VOCAB, out, row);
  return UNMASK_OK;
}

/* What TABLE is made of; a test plugin redefines what it spoils. */
#define MAJOR UNMASK_ABI_MAJOR
#define MINOR UNMASK_ABI_MINOR
#define SIZE sizeof(unmask_plugin)
#define NAME "spoiled"
#define RUNTIMES NULL
#define INIT good_init
#define PROBE good_probe
#define DEVICE good_device
#define CHECK good_check
#define LOAD good_load
#define FACTS good_facts
#define OPEN good_open
#define FORWARD good_forward
#define READ_LOGITS good_read_logits
#define READ_TOP good_read_top
#define COPY NULL
#define CLEAR NULL
#define RESERVE NULL
#define EXPORT NULL
#define TABLE                                                                                                         \
  {                                                                                                                   \
    MAJOR, MINOR, SIZE, 0, NAME, "0.0.1", RUNTIMES, INIT, PROBE, DEVICE, CHECK, LOAD, FACTS, good_free, OPEN,         \
        good_close, FORWARD, READ_LOGITS, READ_TOP, COPY, CLEAR, RESERVE, EXPORT                                      \
  }

#endif
