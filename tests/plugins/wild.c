/* Works as its device is called: well, or until something happens in its fifth pass. */
#include "base.h"
#include <stdio.h>

static const char *const devices[] = {"well", "segfault", "hang", "abort", "leave", "load-segfault", "load-hang"};
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
  out->id.len = (uint32_t)strlen(devices[index]);
  memcpy(out->id.bytes, devices[index], out->id.len);
  PUT(out->name, "cpu");
  PUT(out->precisions, "f32");
  return UNMASK_OK;
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
  /* What happens in the fifth pass happens to whole rows; only a model that is well has others. */
  if (strcmp(device, "well") != 0) out->capabilities &= ~(uint64_t)UNMASK_CAP_TOPK_OUTPUT;
  return status;
}

static unmask_status wild_forward(void *session, const unmask_pass_table *pass, float *out, size_t out_len,
                                  unmask_error_slot *error) {
  size_t row, at;
  (void)session, (void)error;
  if (++passes == 5 && strcmp(device, "well") != 0) {
    fprintf(stderr, "about to %s\n", device);
    if (strcmp(device, "segfault") == 0) crash();
    if (strcmp(device, "hang") == 0) hang();
    if (strcmp(device, "abort") == 0) abort();
    if (strcmp(device, "leave") == 0) exit(3);
  }
  for (row = 0; row * vocab < out_len; row++) {
    for (at = 0; at < vocab; at++) out[row * vocab + at] = at == 100 + pass->wanted[row] % 26 ? 9.0f : 0.0f;
  }
  return UNMASK_OK;
}

#undef NAME
#define NAME "wild"
#undef DEVICE
#define DEVICE wild_device
#undef LOAD
#define LOAD wild_load
#undef FACTS
#define FACTS wild_facts
#undef FORWARD
#define FORWARD wild_forward

UNMASK_EXPORT const unmask_plugin UNMASK_PLUGIN = TABLE;
