/* Does not start, and says so in text that is not UTF-8. */
#include "base.h"

static unmask_status bad_init(const unmask_host_table *host, unmask_error_slot *error) {
  (void)host;
  PUT(error->message, "no driv\xff" "r");
  return UNMASK_E_DEVICE;
}

#undef INIT
#define INIT bad_init

UNMASK_EXPORT const unmask_plugin UNMASK_PLUGIN = TABLE;
