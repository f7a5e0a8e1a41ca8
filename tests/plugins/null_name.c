/* Has no name. */
#include "base.h"

static unmask_status never(const unmask_host_table *host, unmask_error_slot *error) {
  (void)host, (void)error;
  abort();
}

#undef INIT
#define INIT never
#undef NAME
#define NAME NULL

UNMASK_EXPORT const unmask_plugin UNMASK_PLUGIN = TABLE;
