/* The C example, but it prints as native libraries do, and where UNMASK_TEST_FAULT is set it dies of a fault. */
/* The header and the example name the table; here the name belongs to another one. */
#define UNMASK_PLUGIN the_quiet_table
#include "../../plugins/examples/c/toy.c"
#undef UNMASK_PLUGIN

static unmask_status noisy_forward(void *session, const unmask_pass_table *pass, unmask_error_slot *error) {
  printf("NOISE on standard output\n");
  fprintf(stderr, "NOISE on standard error\n");
  fflush(stdout);
  if (getenv("UNMASK_TEST_FAULT") != NULL) *(volatile int *)NULL = 1;
  return toy_forward(session, pass, error);
}

UNMASK_EXPORT const unmask_plugin UNMASK_PLUGIN = {
    UNMASK_ABI_MAJOR, UNMASK_ABI_MINOR, sizeof(unmask_plugin), 0,
    "noisy",    "0.1.0",       NULL,
    toy_init, toy_probe,   toy_device,
    toy_check,  toy_load,    toy_facts,   toy_free,
    toy_open,   toy_close,
    noisy_forward, toy_read_logits, toy_read_top,
    toy_copy,   toy_clear,   toy_reserve, NULL,
};
