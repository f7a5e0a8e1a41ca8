/* Reports success, but gives nothing. Asked for `session`, it gives a model, but no session. */
#include "base.h"

static unmask_status bad_load(const unmask_load_table *spec, void **model, unmask_error_slot *error) {
  if (spec->family.len != strlen("session")) return UNMASK_OK;
  return good_load(spec, model, error);
}

static unmask_status bad_open(const void *model, const unmask_session_table *spec, void **session,
                              unmask_error_slot *error) {
  (void)model, (void)spec, (void)session, (void)error;
  return UNMASK_OK;
}

#undef LOAD
#define LOAD bad_load
#undef OPEN
#define OPEN bad_open

UNMASK_EXPORT const unmask_plugin UNMASK_PLUGIN = TABLE;
