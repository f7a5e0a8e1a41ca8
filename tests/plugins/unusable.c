/* Cannot be used on this machine. */
#include "base.h"

static unmask_status bad_probe(unmask_probe_row *out, unmask_error_slot *error) {
  (void)error;
  out->score = 0;
  PUT(out->reason, "needs a flux capacitor");
  PUT(out->remedy, "install one");
  return UNMASK_OK;
}

#undef PROBE
#define PROBE bad_probe
#undef NAME
#define NAME "fluxed"

UNMASK_EXPORT const unmask_plugin UNMASK_PLUGIN = TABLE;
