/* Calls a function that no library has. */
#include "base.h"

extern unmask_status nowhere_to_be_found(unmask_probe_row *out, unmask_error_slot *error);

#undef PROBE
#define PROBE bad_probe

static unmask_status bad_probe(unmask_probe_row *out, unmask_error_slot *error) {
  return nowhere_to_be_found(out, error);
}

UNMASK_EXPORT const unmask_plugin UNMASK_PLUGIN = TABLE;
