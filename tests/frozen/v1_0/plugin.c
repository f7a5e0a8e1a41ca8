/* A whole backend as it was written for ABI 1.0; only the header beside it is read. Do not bring it up to date. */
#include "unmask_backend.h"
#include <string.h>

#define VOCAB 8u
#define PUT(ROOM, STRING) \
  (memcpy((ROOM).bytes, (STRING), sizeof(STRING) - 1), (void)((ROOM).len = (uint32_t)sizeof(STRING) - 1))

static int the_model, the_session;

static unmask_status old_init(const unmask_host_table *host, unmask_error_slot *error) {
  /* What a table may shrink to is what this plugin knows of it. */
  if (host->struct_size < sizeof *host || error->struct_size < sizeof *error) return UNMASK_E_INVALID;
  return UNMASK_OK;
}

static unmask_status old_probe(unmask_probe_row *out, unmask_error_slot *error) {
  (void)error;
  if (out->struct_size < sizeof *out) return UNMASK_E_INVALID;
  out->score = 7;
  return UNMASK_OK;
}

static unmask_status old_device(uint32_t index, unmask_device_row *out, unmask_error_slot *error) {
  (void)error;
  if (index > 0) return UNMASK_NO_DEVICE;
  if (out->struct_size < sizeof *out) return UNMASK_E_INVALID;
  out->kind = UNMASK_DEVICE_GPU;
  out->total_bytes = 2048;
  out->free_bytes = 1024;
  PUT(out->id, "gpu:0");
  PUT(out->name, "an old card");
  PUT(out->precisions, "f32, f16");
  return UNMASK_OK;
}

static unmask_status old_load(const unmask_load_table *spec, void **model, unmask_error_slot *error) {
  unmask_text stage;
  (void)error;
  stage.ptr = "reading";
  stage.len = strlen(stage.ptr);
  if (spec->struct_size < sizeof *spec || spec->family.len == 0) return UNMASK_E_INVALID;
  if (spec->progress(spec->context, stage, 1, 2) != 0) return UNMASK_E_CANCELLED;
  *model = &the_model;
  return UNMASK_OK;
}

static unmask_status old_facts(const void *model, unmask_facts_row *out, unmask_error_slot *error) {
  (void)error;
  if (model != &the_model || out->struct_size < sizeof *out) return UNMASK_E_INVALID;
  out->vocab = VOCAB;
  out->max_positions = 64;
  out->memory_bytes = 512;
  out->capabilities = UNMASK_CAP_BATCH | UNMASK_CAP_TOPK_OUTPUT | UNMASK_CAP_LEFT_PADDING;
  PUT(out->precision, "f16");
  PUT(out->notes, "old but sound");
  return UNMASK_OK;
}

static void old_free(void *handle) { (void)handle; }

static unmask_status old_open(const void *model, const unmask_session_table *spec, void **session,
                              unmask_error_slot *error) {
  (void)error;
  if (model != &the_model || spec->struct_size < sizeof *spec || spec->capacity == 0) return UNMASK_E_INVALID;
  *session = &the_session;
  return UNMASK_OK;
}

/* Every wanted position wants the token that was fed there. */
static unmask_status old_forward(void *session, const unmask_pass_table *pass, float *out, size_t out_len,
                                 unmask_error_slot *error) {
  uint32_t row;
  (void)error;
  if (session != &the_session || pass->struct_size < sizeof *pass) return UNMASK_E_INVALID;
  if (*pass->cancel != 0) return UNMASK_E_CANCELLED;
  memset(out, 0, out_len * sizeof *out);
  for (row = 0; row < pass->wanted_len; row++) out[row * VOCAB + pass->tokens[pass->wanted[row]]] = 1.0f;
  return UNMASK_OK;
}

static unmask_status old_forward_top(void *session, const unmask_pass_table *pass, const unmask_top_table *out,
                                     unmask_error_slot *error) {
  uint32_t row;
  (void)error;
  if (session != &the_session || out->struct_size < sizeof *out || out->k != 1) return UNMASK_E_UNSUPPORTED;
  for (row = 0; row < pass->wanted_len; row++) {
    out->ids[row] = pass->tokens[pass->wanted[row]];
    out->logits[row] = 1.0f;
    out->log_sum_exp[row] = 2.2741f;
    out->entropy[row] = 1.9943f;
  }
  return UNMASK_OK;
}

UNMASK_EXPORT const unmask_plugin UNMASK_PLUGIN = {
    UNMASK_ABI_MAJOR, UNMASK_ABI_MINOR, sizeof(unmask_plugin), 0,           "old",      "1.0.0",
    old_init,         old_probe,        old_device,            old_load,    old_facts,  old_free,
    old_open,         old_free,         old_forward,           old_forward_top,
};
