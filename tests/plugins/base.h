/* A well-behaved backend, for the test plugins to spoil. */
#ifndef BASE_H
#define BASE_H
#include "unmask_backend.h"
#include <stdlib.h>
#include <string.h>

#define VOCAB 8u
#define PUT(ROOM, STRING) \
  (memcpy((ROOM).bytes, (STRING), sizeof(STRING) - 1), (void)((ROOM).len = (uint32_t)sizeof(STRING) - 1))

static int token_of_model, token_of_session;

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
  PUT(out->precisions, "f32, ,q4k");
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
  *session = &token_of_session;
  return UNMASK_OK;
}

static unmask_status good_forward(void *session, const unmask_pass_table *pass, float *out, size_t out_len,
                                  unmask_error_slot *error) {
  size_t at;
  (void)session, (void)pass, (void)error;
  for (at = 0; at < out_len; at++) out[at] = (float)(at % VOCAB);
  return UNMASK_OK;
}

static unmask_status good_forward_top(void *session, const unmask_pass_table *pass, const unmask_top_table *out,
                                      unmask_error_slot *error) {
  uint32_t row, at;
  (void)session, (void)error;
  for (row = 0; row < pass->wanted_len; row++) {
    for (at = 0; at < out->k; at++) {
      out->ids[row * out->k + at] = VOCAB - 1 - at;
      out->logits[row * out->k + at] = (float)(VOCAB - 1 - at);
    }
    out->log_sum_exp[row] = 7.4583f;
    out->entropy[row] = 1.0405f;
  }
  return UNMASK_OK;
}

/* What TABLE is made of; a test plugin redefines what it spoils. */
#define MAJOR UNMASK_ABI_MAJOR
#define MINOR UNMASK_ABI_MINOR
#define SIZE sizeof(unmask_plugin)
#define NAME "spoiled"
#define INIT good_init
#define PROBE good_probe
#define DEVICE good_device
#define LOAD good_load
#define FACTS good_facts
#define OPEN good_open
#define FORWARD good_forward
#define FORWARD_TOP good_forward_top
#define RUNTIMES NULL
#define EXPORT NULL
#define TABLE                                                                                                         \
  {                                                                                                                   \
    MAJOR, MINOR, SIZE, 0, NAME, "0.0.1", INIT, PROBE, DEVICE, LOAD, FACTS, good_free, OPEN, good_free, FORWARD,      \
        FORWARD_TOP, RUNTIMES, EXPORT                                                                                 \
  }

#endif
