/*
 * The smallest backend, in C: every position wants the token equal to its own index. Copy it to start your own.
 *
 *     cc -std=c99 -O2 -shared -fPIC -I core/api/include plugins/examples/c/toy.c -o libunmask_backend_ctoy.so
 *     unmask backends --plugin libunmask_backend_ctoy.so
 *
 * (macOS: name it .dylib. Windows: cl /LD /I core\api\include plugins\examples\c\toy.c /Fe:unmask_backend_ctoy.dll)
 *
 * A model entry uses it with `framework = "ctoy"` and a checkpoint folder. It has no weights and no network, but it keeps
 * every promise of the header, so it takes part in the conformance suite. C++ is just as good, if no exception leaves a
 * function of the table.
 */
#include "unmask_backend.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What the handles point to; the host never looks inside. */
typedef struct toy_model {
  uint32_t vocab;
} toy_model;

typedef struct toy_session {
  uint32_t vocab;
} toy_session;

static const unmask_host_table *the_host;

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

/* Text into the host's room. These texts are ASCII; others must be cut at a whole character. */
static void put(char *bytes, size_t room, uint32_t *len, const char *string) {
  size_t n = strlen(string);
  if (n > room) n = room;
  memcpy(bytes, string, n);
  *len = (uint32_t)n;
}
#define PUT(ROOM, STRING) put((ROOM).bytes, sizeof (ROOM).bytes, &(ROOM).len, STRING)

/* Every failure says what, where and what to do. */
static unmask_status fail(unmask_error_slot *error, unmask_status code, const char *message) {
  PUT(error->message, message);
  return code;
}

static unmask_status toy_init(const unmask_host_table *host, unmask_error_slot *error) {
  (void)error;
  the_host = host; /* It lives until the process ends. */
  return UNMASK_OK;
}

static void tell(uint32_t level, const char *message) {
  if (level <= the_host->log_level) the_host->log(the_host->context, level, text("toy"), text(message));
}

/* A real backend looks here for its device and its vendor library, and says what is missing. */
static unmask_status toy_probe(unmask_probe_row *out, unmask_error_slot *error) {
  (void)error;
  out->score = 1; /* Nobody should be offered this one first. */
  return UNMASK_OK;
}

static unmask_status toy_device(uint32_t index, unmask_device_row *out, unmask_error_slot *error) {
  (void)error;
  if (index > 0) return UNMASK_NO_DEVICE;
  out->kind = UNMASK_DEVICE_CPU;
  PUT(out->id, "cpu");
  PUT(out->name, "any processor");
  PUT(out->precisions, "f32");
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

/* A real backend reads spec->weights here, for the network that spec->family names. */
static unmask_status toy_load(const unmask_load_table *spec, void **model, unmask_error_slot *error) {
  toy_model *made;
  char message[64];
  uint32_t vocab;
  if (!same(spec->device, "cpu")) return fail(error, UNMASK_E_UNSUPPORTED, "there is no such device; use cpu");
  if (!same(spec->precision, "f32")) return fail(error, UNMASK_E_UNSUPPORTED, "there is no such precision; use f32");
  vocab = vocabulary(spec->config_json);
  if (vocab == 0) return fail(error, UNMASK_E_CHECKPOINT, "config.json: `vocab_size` is missing or 0");
  if (spec->progress(spec->context, text("counting tokens"), 0, vocab) != 0) {
    return fail(error, UNMASK_E_CANCELLED, "stopped on request");
  }
  made = malloc(sizeof *made);
  if (made == NULL) return fail(error, UNMASK_E_OUT_OF_MEMORY, "no memory for the model");
  made->vocab = vocab;
  snprintf(message, sizeof message, "%lu tokens, no weights", (unsigned long)vocab);
  tell(UNMASK_LOG_INFO, message);
  *model = made;
  return UNMASK_OK;
}

static unmask_status toy_facts(const void *model, unmask_facts_row *out, unmask_error_slot *error) {
  (void)error;
  out->vocab = ((const toy_model *)model)->vocab;
  out->max_positions = 4096;
  /* Claim what you keep: without a network, batches, cached K/V and padding come for free. There is no forward_top here. */
  out->capabilities = UNMASK_CAP_BATCH | UNMASK_CAP_KV_CACHE | UNMASK_CAP_CANCEL | UNMASK_CAP_CONCURRENT |
                      UNMASK_CAP_LEFT_PADDING;
  PUT(out->precision, "f32");
  return UNMASK_OK;
}

static void toy_free(void *handle) { free(handle); }

/* A real backend makes room here for spec->slots K/V caches of spec->capacity positions. */
static unmask_status toy_open(const void *model, const unmask_session_table *spec, void **session,
                              unmask_error_slot *error) {
  toy_session *made = malloc(sizeof *made);
  (void)spec;
  if (made == NULL) return fail(error, UNMASK_E_OUT_OF_MEMORY, "no memory for the session");
  made->vocab = ((const toy_model *)model)->vocab;
  *session = made;
  return UNMASK_OK;
}

/* Row i of `out` answers for the fed token wanted[i]; the host has checked every index. */
static unmask_status toy_forward(void *session, const unmask_pass_table *pass, float *out, size_t out_len,
                                 unmask_error_slot *error) {
  uint32_t vocab = ((const toy_session *)session)->vocab;
  uint32_t row, token;
  if (out_len != (size_t)pass->wanted_len * vocab) {
    return fail(error, UNMASK_E_INVALID, "the buffer for logits has another size than the wanted rows");
  }
  for (row = 0; row < pass->wanted_len; row++) {
    uint32_t position = pass->positions[pass->wanted[row]];
    float *scores = out + (size_t)row * vocab;
    /* A network asks between layers: a pass can take seconds. */
    if (*pass->cancel != 0) return fail(error, UNMASK_E_CANCELLED, "stopped on request");
    for (token = 0; token < vocab; token++) scores[token] = 0.0f;
    /* Later positions are surer, so that the order in which they are unmasked can be seen. */
    scores[position % vocab] = 1.0f + (float)position / 16.0f;
  }
  return UNMASK_OK;
}

UNMASK_EXPORT const unmask_plugin UNMASK_PLUGIN = {
    UNMASK_ABI_MAJOR, UNMASK_ABI_MINOR, sizeof(unmask_plugin), 0,
    "ctoy",     "0.1.0",
    toy_init,   toy_probe,   toy_device,
    toy_load,   toy_facts,   toy_free,
    toy_open,   toy_free,
    toy_forward,
    NULL, /* No forward_top, */
    NULL, /* no libraries to fetch, */
    NULL, /* no files to write. */
};
