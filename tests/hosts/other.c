/* A host that knows less of the tables than the header says, as much, or more: `shorter`, `same` or `longer`. It asks a plugin
   for everything, prints what is answered, and ends with 1 if anything is written where it should not be. */
#include "unmask_backend.h"
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What lies behind the tables, where nobody may read or write. As a pointer it is a fault. */
#define BEYOND 0x5a
#define MORE 48

static enum { SHORTER, SAME, LONGER } knows;
static const unmask_plugin *plugin;
static char heard[1 << 16];

static void hear(void *context, unmask_text text) {
  char *all = context;
  size_t used = strlen(all);
  memcpy(all + used, text.ptr, text.len);
  memcpy(all + used + text.len, ";", 2);
}

static unmask_sink ear(void) {
  unmask_sink sink = {heard, hear};
  heard[0] = '\0';
  return sink;
}

static void fail(const char *what) {
  printf("FAILED: %s\n", what);
  exit(1);
}

/* A table of the host's, followed by what is nobody's business. */
typedef struct held {
  unsigned char *bytes;
  size_t size, all;
} held;

/* Copies as much of a table as the host knows: in the shorter one, up to the field at `known`. */
static held hold(const void *table, size_t known, size_t whole) {
  held held;
  uint32_t said;
  held.size = knows == SHORTER ? known : whole;
  said = (uint32_t)(knows == LONGER ? whole + MORE / 2 : held.size);
  held.all = whole + MORE;
  held.bytes = malloc(held.all);
  memset(held.bytes, BEYOND, held.all);
  memcpy(held.bytes, table, held.size);
  memcpy(held.bytes, &said, sizeof said);
  return held;
}
#define HOLD(TABLE, LAST) hold(&(TABLE), offsetof(__typeof__(TABLE), LAST), sizeof(TABLE))
#define WHOLE(TABLE) hold(&(TABLE), sizeof(TABLE), sizeof(TABLE))

/* Takes a table back, whose end must be untouched. */
static void release(held held, void *table) {
  size_t at;
  for (at = held.size; at < held.all; at++) {
    if (held.bytes[at] != BEYOND) fail("something is written behind a table");
  }
  memcpy(table, held.bytes, held.size);
  free(held.bytes);
}

/* Calls with an error slot that must stay silent, or must not. */
static unmask_error_slot *slot(void) {
  static unmask_error_slot error;
  memset(&error, 0, sizeof error);
  error.struct_size = sizeof error;
  error.message = ear();
  return &error;
}

static void expect(const char *what, unmask_status status) {
  printf("%s %d%s%s\n", what, (int)status, status == UNMASK_OK ? "" : " ", status == UNMASK_OK ? "" : heard);
  if (status != UNMASK_OK) exit(1);
}

/* Bits that nobody knows are refused in words. */
static void expect_refusal(const char *what, unmask_status status) {
  printf("%s of tomorrow: %d%s\n", what, (int)status, heard[0] == '\0' ? " without a word" : "");
}

static void *session, *model;

/* What plugins log is nobody's business here. */
static void ignore(void *context, uint32_t level, unmask_text target, unmask_text message) {
  (void)context, (void)level, (void)target, (void)message;
}

static void ask_backend(void) {
  unmask_host_table host = {0, UNMASK_LOG_DEBUG, NULL, ignore};
  unmask_probe_row probe = {0, 0, {NULL, NULL}, {NULL, NULL}};
  unmask_device_row device;
  held held;
  memset(&device, 0, sizeof device);
  /* The shorter host has no log. The table lives to the end. */
  held = HOLD(host, log);
  expect("init", plugin->init((const unmask_host_table *)(void *)held.bytes, slot()));
  held = HOLD(probe, remedy);
  expect("probe", plugin->probe((unmask_probe_row *)(void *)held.bytes, slot()));
  release(held, &probe);
  printf("score %u\n", (unsigned)probe.score);
  device.id = ear();
  held = HOLD(device, precisions);
  expect("device", plugin->device(0, (unmask_device_row *)(void *)held.bytes, slot()));
  release(held, &device);
  printf("device %s kind %u\n", heard, (unsigned)device.kind);
}

static unmask_text text(const char *string) {
  unmask_text result = {string, strlen(string)};
  return result;
}

static void load(void) {
  unmask_load_table spec;
  unmask_estimate_row estimate = {0, 0, 0, 0};
  unmask_facts_row facts;
  held held, out;
  memset(&spec, 0, sizeof spec);
  memset(&facts, 0, sizeof facts);
  spec.family = text("llada");
  spec.config_json = text("{\"vocab_size\": 8}");
  spec.device = text("cpu");
  spec.precision = text("f32");
  spec.options_json = text("{}");
  held = HOLD(spec, options_json);
  out = HOLD(estimate, cell_bytes);
  expect("check", plugin->check((unmask_load_table *)(void *)held.bytes, (unmask_estimate_row *)(void *)out.bytes, slot()));
  release(out, &estimate);
  printf("weights %u\n", (unsigned)estimate.weights_bytes);
  expect("load", plugin->model_load((unmask_load_table *)(void *)held.bytes, &model, slot()));
  release(held, &spec);
  facts.precision = ear();
  held = HOLD(facts, notes);
  expect("facts", plugin->model_facts(model, (unmask_facts_row *)(void *)held.bytes, slot()));
  release(held, &facts);
  printf("facts %s vocabulary %u\n", heard, (unsigned)facts.vocab);
  spec.requires_bits = UINT64_C(1) << 40;
  held = WHOLE(spec);
  expect_refusal("a check", plugin->check((unmask_load_table *)(void *)held.bytes, &estimate, slot()));
  expect_refusal("a load", plugin->model_load((unmask_load_table *)(void *)held.bytes, &model, slot()));
  release(held, &spec);
}

static void open_session(void) {
  unmask_session_table spec = {0, 8, 2, 0, 0};
  held held = HOLD(spec, requires_bits);
  void *none;
  expect("open", plugin->session_open(model, (unmask_session_table *)(void *)held.bytes, &session, slot()));
  release(held, &spec);
  spec.requires_bits = UINT64_C(1) << 40;
  held = WHOLE(spec);
  expect_refusal("a session", plugin->session_open(model, (unmask_session_table *)(void *)held.bytes, &none, slot()));
  release(held, &spec);
}

/* Two rows: one that fills four cells, one without. Rows of a newer host lie further apart. */
static void forward(void) {
  static const uint32_t tokens[] = {3, 1, 4, 1, 5, 2}, positions[] = {0, 1, 2, 3, 6, 7};
  static const uint32_t cells[] = {0, 1, 2, 3, UNMASK_NO_CELL, UNMASK_NO_CELL}, wanted[] = {1, 5};
  static const unmask_row_table rows[] = {{4, 1, 0, 4, 0, 0}, {2, 0, 0, 0, 0, 0}};
  static unsigned char apart[2 * (sizeof(unmask_row_table) + 16)];
  static const volatile uint32_t cancel = 0;
  unmask_pass_table pass;
  size_t stride = sizeof(unmask_row_table) + (knows == LONGER ? 16 : 0), at;
  held held;
  memset(&pass, 0, sizeof pass);
  memset(apart, BEYOND, sizeof apart);
  for (at = 0; at < 2; at++) memcpy(apart + at * stride, rows + at, sizeof *rows);
  pass.rows_len = 2;
  pass.rows_stride = (uint32_t)stride;
  pass.tokens_len = 6;
  pass.wanted_len = 2;
  pass.rows = (const unmask_row_table *)(const void *)apart;
  pass.tokens = tokens;
  pass.positions = positions;
  pass.cells = cells;
  pass.wanted = wanted;
  pass.cancel = &cancel;
  pass.requires_bits = UNMASK_RESERVED_PASS_SELF_CONDITIONING;
  held = WHOLE(pass);
  expect_refusal("a pass", plugin->forward(session, (unmask_pass_table *)(void *)held.bytes, slot()));
  release(held, &pass);
  pass.requires_bits = 0;
  held = WHOLE(pass);
  expect("forward", plugin->forward(session, (unmask_pass_table *)(void *)held.bytes, slot()));
  release(held, &pass);
}

static void read_output(void) {
  static const uint32_t rows[] = {0, 1}, banned[] = {1}, asked[] = {3, 7};
  float logits[16], best[4], of_asked[2];
  double tail[2], entropy[2];
  uint32_t ids[4], row, at;
  unmask_logits_table whole = {0, 2, 0, rows, logits, 16};
  unmask_top_table top;
  held held = WHOLE(whole);
  memset(&top, 0, sizeof top);
  expect("read", plugin->read_logits(session, (unmask_logits_table *)(void *)held.bytes, slot()));
  release(held, &whole);
  for (row = 0; row < 2; row++) {
    for (at = 0; at < 8; at++) printf("%.4f%s", (double)logits[row * 8 + at], at == 7 ? "\n" : " ");
  }
  whole.requires_bits = 2;
  held = WHOLE(whole);
  expect_refusal("a reading", plugin->read_logits(session, (unmask_logits_table *)(void *)held.bytes, slot()));
  release(held, &whole);
  if (plugin->struct_size <= offsetof(unmask_plugin, read_top) || plugin->read_top == NULL) return;
  top.rows_len = 2;
  top.k = 2;
  top.banned_len = 1;
  top.asked_per_row = 1;
  top.rows = rows;
  top.banned = banned;
  top.asked = asked;
  top.ids = ids;
  top.logits = best;
  top.tail = tail;
  top.entropy = entropy;
  top.asked_logits = of_asked;
  held = HOLD(top, divergence);
  expect("read the best", plugin->read_top(session, (unmask_top_table *)(void *)held.bytes, slot()));
  release(held, &top);
  for (row = 0; row < 2; row++) {
    printf("%u %.4f, %u %.4f, tail %.6f, entropy %.6f, asked %.4f\n", (unsigned)ids[row * 2], (double)best[row * 2],
           (unsigned)ids[row * 2 + 1], (double)best[row * 2 + 1], tail[row], entropy[row], (double)of_asked[row]);
  }
  top.requires_bits = UNMASK_RESERVED_TOP_DRAWS;
  held = WHOLE(top);
  expect_refusal("a short reading", plugin->read_top(session, (unmask_top_table *)(void *)held.bytes, slot()));
  release(held, &top);
}

static void move_slots(void) {
  expect("copy", plugin->slot_copy(session, 1, 0, slot()));
  expect("clear", plugin->slot_clear(session, 1, slot()));
  expect("reserve", plugin->session_reserve(session, 12, slot()));
}

int main(int count, char **arguments) {
  void *library = count == 3 ? dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL) : NULL;
  if (library == NULL) fail("no library");
  knows = strcmp(arguments[2], "shorter") == 0 ? SHORTER : strcmp(arguments[2], "longer") == 0 ? LONGER : SAME;
  plugin = dlsym(library, "UNMASK_PLUGIN");
  if (plugin == NULL) fail("no table");
  ask_backend();
  load();
  open_session();
  forward();
  read_output();
  move_slots();
  plugin->session_free(session);
  plugin->model_free(model);
  printf("done\n");
  return 0;
}
