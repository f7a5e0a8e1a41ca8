/* The C example, but it leaves a trace as soon as any of its code runs: a line in the file that a variable names. */
/* The header and the example name the table; here the name belongs to another one. */
#define UNMASK_PLUGIN the_quiet_table
#include "../../plugins/examples/c/toy.c"
#undef UNMASK_PLUGIN

static void leave_trace(const char *what) {
  const char *path = getenv("UNMASK_TEST_TRACE");
  FILE *file = path == NULL ? NULL : fopen(path, "a");
  if (file == NULL) return;
  fprintf(file, "%s\n", what);
  fclose(file);
}

#if !defined(_WIN32)
/* The loader calls it before anybody can look at the table. */
__attribute__((constructor)) static void as_soon_as_opened(void) { leave_trace("opened"); }
#endif

static unmask_status tracing_init(const unmask_host_table *host, unmask_error_slot *error) {
  leave_trace("init");
  return toy_init(host, error);
}

UNMASK_EXPORT const unmask_plugin UNMASK_PLUGIN = {
    UNMASK_ABI_MAJOR, UNMASK_ABI_MINOR, sizeof(unmask_plugin), 0,
    "eager",    "0.1.0",       NULL,
    tracing_init, toy_probe,   toy_device,
    toy_check,  toy_load,    toy_facts,   toy_free,
    toy_open,   toy_close,
    toy_forward, toy_read_logits, toy_read_top,
    toy_copy,   toy_clear,   toy_reserve, NULL,
};
