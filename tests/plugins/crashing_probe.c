/* Ends its process when it is asked what it is. */
#include "base.h"

static unmask_status crashing_probe(unmask_probe_row *out, unmask_error_slot *error) {
  volatile int *volatile nowhere = NULL;
  (void)out, (void)error;
  *nowhere = 1;
  return UNMASK_OK;
}

#undef PROBE
#define PROBE crashing_probe

UNMASK_EXPORT const unmask_plugin UNMASK_PLUGIN = TABLE;
