/* A whole backend as it was written for ABI 2.0; only the header beside it is read. Do not bring it up to date. */
#include "unmask_backend.h"
#include <math.h>
#include <string.h>

#define VOCAB 8u
/* No program is older than this plugin, so that a table may never be shorter than it knows. */
#define SHORT(TABLE) ((TABLE)->struct_size < sizeof *(TABLE))

typedef struct old_session {
  uint32_t tokens[64], len;
} old_session;

static int the_model;
static old_session the_session;

static unmask_text text(const char *string) {
  unmask_text result;
  result.ptr = string;
  result.len = strlen(string);
  return result;
}

static void put(unmask_sink sink, const char *string) {
  if (sink.put != NULL) sink.put(sink.context, text(string));
}

static unmask_status too_new(unmask_error_slot *error) {
  put(error->message, "too new for an old card");
  return UNMASK_E_UNSUPPORTED;
}

static unmask_status old_init(const unmask_host_table *host, unmask_error_slot *error) {
  return SHORT(host) || SHORT(error) ? UNMASK_E_INVALID : UNMASK_OK;
}

static unmask_status old_probe(unmask_probe_row *out, unmask_error_slot *error) {
  (void)error;
  if (SHORT(out)) return UNMASK_E_INVALID;
  out->score = 7;
  return UNMASK_OK;
}

static unmask_status old_device(uint32_t index, unmask_device_row *out, unmask_error_slot *error) {
  (void)error;
  if (index > 0) return UNMASK_NO_DEVICE;
  if (SHORT(out)) return UNMASK_E_INVALID;
  out->kind = UNMASK_DEVICE_GPU;
  out->total_bytes = 2048;
  out->free_bytes = 1024;
  put(out->id, "gpu:0");
  put(out->name, "an old card");
  put(out->precisions, "f32");
  put(out->precisions, "f16");
  return UNMASK_OK;
}

static unmask_status old_check(const unmask_load_table *spec, unmask_estimate_row *out, unmask_error_slot *error) {
  if (SHORT(spec) || SHORT(out)) return UNMASK_E_INVALID;
  if (spec->requires_bits != 0 || spec->attention != UNMASK_ATTENTION_BIDIRECTIONAL) return too_new(error);
  out->threads = 3;
  out->weights_bytes = 512;
  out->cell_bytes = 4;
  return UNMASK_OK;
}

static unmask_status old_load(const unmask_load_table *spec, void **model, unmask_error_slot *error) {
  if (SHORT(spec) || spec->family.len == 0) return UNMASK_E_INVALID;
  if (spec->requires_bits != 0 || spec->attention != UNMASK_ATTENTION_BIDIRECTIONAL) return too_new(error);
  if (spec->progress != NULL && spec->progress(spec->context, text("reading"), 1, 2) != 0) return UNMASK_E_CANCELLED;
  *model = &the_model;
  return UNMASK_OK;
}

static unmask_status old_facts(const void *model, unmask_facts_row *out, unmask_error_slot *error) {
  (void)error;
  if (model != &the_model || SHORT(out)) return UNMASK_E_INVALID;
  out->vocab = VOCAB;
  out->max_positions = 64;
  out->memory_bytes = 512;
  out->cell_bytes = 4;
  out->capabilities = UNMASK_CAP_BATCH | UNMASK_CAP_KV_CACHE | UNMASK_CAP_TOPK_OUTPUT | UNMASK_CAP_LEFT_PADDING;
  put(out->precision, "f16");
  put(out->notes, "old but sound");
  put(out->notes, "and proud of it");
  return UNMASK_OK;
}

static void old_free(void *handle) { (void)handle; }

static unmask_status old_open(const void *model, const unmask_session_table *spec, void **session,
                              unmask_error_slot *error) {
  if (model != &the_model || SHORT(spec) || spec->slots == 0) return UNMASK_E_INVALID;
  if (spec->requires_bits != 0) return too_new(error);
  the_session.len = 0;
  *session = &the_session;
  return UNMASK_OK;
}

static const unmask_row_table *row_at(const unmask_pass_table *pass, uint32_t index) {
  return (const unmask_row_table *)(const void *)((const char *)pass->rows + (size_t)index * pass->rows_stride);
}

/* Every wanted position wants the token that was fed there. */
static unmask_status old_forward(void *session, const unmask_pass_table *pass, unmask_error_slot *error) {
  old_session *own = session;
  uint32_t row, fed = 0;
  if (own != &the_session || SHORT(pass)) return UNMASK_E_INVALID;
  if (pass->requires_bits != 0) return too_new(error);
  for (row = 0; row < pass->rows_len; row++) fed += row_at(pass, row)->fed;
  if (fed != pass->tokens_len || pass->wanted_len > 64) return UNMASK_E_INVALID;
  if (*pass->cancel != 0) return UNMASK_E_CANCELLED;
  for (row = 0; row < pass->wanted_len; row++) own->tokens[row] = pass->tokens[pass->wanted[row]];
  own->len = pass->wanted_len;
  return UNMASK_OK;
}

static unmask_status old_read_logits(void *session, const unmask_logits_table *out, unmask_error_slot *error) {
  const old_session *own = session;
  uint32_t row;
  if (SHORT(out) || out->logits_len != (size_t)out->rows_len * VOCAB) return UNMASK_E_INVALID;
  if (out->requires_bits != 0) return too_new(error);
  memset(out->logits, 0, out->logits_len * sizeof *out->logits);
  for (row = 0; row < out->rows_len; row++) out->logits[row * VOCAB + own->tokens[out->rows[row]]] = 1.0f;
  return UNMASK_OK;
}

static int is_banned(const unmask_top_table *out, uint32_t id) {
  uint32_t at;
  for (at = 0; at < out->banned_len; at++) {
    if (out->banned[at] == id) return 1;
  }
  return 0;
}

/* The token that was fed first, then all others: they are equals. */
static unmask_status old_read_top(void *session, const unmask_top_table *out, unmask_error_slot *error) {
  const old_session *own = session;
  uint32_t row, at, id, others = VOCAB - out->banned_len - 1;
  if (SHORT(out)) return UNMASK_E_INVALID;
  if (out->requires_bits != 0) return too_new(error);
  for (row = 0; row < out->rows_len; row++) {
    uint32_t token = own->tokens[out->rows[row]], end = (row + 1) * out->k;
    int is_first = !is_banned(out, token);
    double tail = is_first ? others * exp(-1.0) : others;
    at = row * out->k;
    if (is_first) {
      out->ids[at] = token;
      out->logits[at++] = 1.0f;
    }
    for (id = 0; id < VOCAB && at < end; id++) {
      if (id == token || is_banned(out, id)) continue;
      out->ids[at] = id;
      out->logits[at++] = 0.0f;
    }
    out->tail[row] = tail;
    out->entropy[row] = log1p(tail) + (is_first ? tail / (1 + tail) : 0);
    for (at = row * out->asked_per_row; at < (row + 1) * out->asked_per_row; at++) {
      out->asked_logits[at] = out->asked[at] == token ? 1.0f : 0.0f;
    }
  }
  return UNMASK_OK;
}

/* Its answers depend on nothing that was kept. */
static unmask_status old_copy(void *session, uint32_t from, uint32_t to, unmask_error_slot *error) {
  (void)session, (void)from, (void)to, (void)error;
  return UNMASK_OK;
}

static unmask_status old_clear(void *session, uint32_t slot, unmask_error_slot *error) {
  (void)session, (void)slot, (void)error;
  return UNMASK_OK;
}

UNMASK_EXPORT const unmask_plugin UNMASK_PLUGIN = {
    UNMASK_ABI_MAJOR, UNMASK_ABI_MINOR, sizeof(unmask_plugin), 0,         "old",     "2.0.0",         NULL,
    old_init,         old_probe,        old_device,            old_check, old_load,  old_facts,       old_free,
    old_open,         old_free,         old_forward,           old_read_logits,      old_read_top,    old_copy,
    old_clear,        old_clear,        NULL,
};
