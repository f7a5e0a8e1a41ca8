/* Works as its device is called: well, or until something happens in its fifth pass. */
#include "base.h"
#include <stdio.h>

static const char *const devices[] = {"well", "segfault", "hang", "abort", "leave", "load-segfault", "load-hang",
                                      "read-hang", "check-segfault"};
#define DEVICES (sizeof(devices) / sizeof(devices[0]))

static uint32_t vocab, passes;
static char device[16];
static volatile int never;

static void hang(void) {
  while (!never) {
  }
}

static void crash(void) {
  volatile int *volatile nowhere = NULL;
  *nowhere = 1;
}

static unmask_status wild_device(uint32_t index, unmask_device_row *out, unmask_error_slot *error) {
  (void)error;
  if (index >= DEVICES) return UNMASK_NO_DEVICE;
  PUT(out->id, devices[index]);
  PUT(out->name, "cpu");
  PUT(out->precisions, "f32");
  return UNMASK_OK;
}

static unmask_status wild_check(const unmask_load_table *spec, unmask_estimate_row *out, unmask_error_slot *error) {
  static const char crashing[] = "check-segfault";
  if (spec->device.len == sizeof crashing - 1 && memcmp(spec->device.ptr, crashing, spec->device.len) == 0) crash();
  return good_check(spec, out, error);
}

static unmask_status wild_load(const unmask_load_table *spec, void **model, unmask_error_slot *error) {
  char config[8192];
  size_t length = spec->config_json.len < sizeof(config) ? spec->config_json.len : sizeof(config) - 1;
  const char *key;
  (void)error;
  memcpy(config, spec->config_json.ptr, length);
  config[length] = 0;
  key = strstr(config, "\"vocab_size\":");
  vocab = key ? (uint32_t)strtoul(key + 13, NULL, 10) : VOCAB;
  memset(device, 0, sizeof(device));
  memcpy(device, spec->device.ptr, spec->device.len < sizeof(device) ? spec->device.len : sizeof(device) - 1);
  if (strcmp(device, "load-segfault") == 0) crash();
  if (strcmp(device, "load-hang") == 0) hang();
  *model = &token_of_model;
  return UNMASK_OK;
}

static unmask_status wild_facts(const void *model, unmask_facts_row *out, unmask_error_slot *error) {
  unmask_status status = good_facts(model, out, error);
  out->vocab = vocab;
  out->max_positions = 4096;
  out->capabilities |= UNMASK_CAP_CANCEL;
  return status;
}

static unmask_status wild_forward(void *session, const unmask_pass_table *pass, unmask_error_slot *error) {
  if (++passes == 5 && strcmp(device, "well") != 0) {
    fprintf(stderr, "about to %s\n", device);
    if (strcmp(device, "segfault") == 0) crash();
    if (strcmp(device, "hang") == 0) hang();
    if (strcmp(device, "abort") == 0) abort();
    if (strcmp(device, "leave") == 0) exit(3);
  }
  return good_forward(session, pass, error);
}

/* The logits of row `row` of the output. */
static void score(const good_session *session, uint32_t row, float *logits) {
  uint32_t at, wanted = 100 + session->wanted[row] % 26;
  for (at = 0; at < vocab; at++) logits[at] = at == wanted ? 9.0f : 0.0f;
}

static unmask_status wild_read_logits(void *session, const unmask_logits_table *out, unmask_error_slot *error) {
  uint32_t row;
  (void)error;
  if (passes >= 5 && strcmp(device, "read-hang") == 0) hang();
  for (row = 0; row < out->rows_len; row++) score(session, out->rows[row], out->logits + (size_t)row * vocab);
  return UNMASK_OK;
}

static unmask_status wild_read_top(void *session, const unmask_top_table *out, unmask_error_slot *error) {
  float *logits = malloc(sizeof(float) * vocab);
  uint32_t row;
  (void)error;
  if (passes >= 5 && strcmp(device, "read-hang") == 0) hang();
  for (row = 0; row < out->rows_len; row++) {
    score(session, out->rows[row], logits);
    shorten(logits, vocab, out, row);
  }
  free(logits);
  return UNMASK_OK;
}

#undef NAME
#define NAME "wild"
#undef DEVICE
#define DEVICE wild_device
#undef CHECK
#define CHECK wild_check
#undef LOAD
#define LOAD wild_load
#undef FACTS
#define FACTS wild_facts
#undef FORWARD
#define FORWARD wild_forward
#undef READ_LOGITS
#define READ_LOGITS wild_read_logits
#undef READ_TOP
#define READ_TOP wild_read_top

UNMASK_EXPORT const unmask_plugin UNMASK_PLUGIN = TABLE;
