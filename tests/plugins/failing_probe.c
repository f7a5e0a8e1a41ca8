/* Fails when it is probed. */
#include "base.h"

static unmask_status bad_probe(unmask_probe_row *out, unmask_error_slot *error) {
  (void)out;
  PUT(error->message, "the driver does not answer; restart it");
  return UNMASK_E_DEVICE;
}

#undef PROBE
#define PROBE bad_probe

UNMASK_EXPORT const unmask_plugin UNMASK_PLUGIN = TABLE;
