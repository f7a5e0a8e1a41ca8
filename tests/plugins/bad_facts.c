/* Says things of its models that cannot be; the family tells which. */
#include "base.h"

static char the_family[32];

static unmask_status keeping_load(const unmask_load_table *spec, void **model, unmask_error_slot *error) {
  size_t n = spec->family.len < sizeof the_family - 1 ? spec->family.len : sizeof the_family - 1;
  memcpy(the_family, spec->family.ptr, n);
  the_family[n] = '\0';
  return good_load(spec, model, error);
}

static unmask_status bad_facts(const void *model, unmask_facts_row *out, unmask_error_slot *error) {
  unmask_status status = good_facts(model, out, error);
  if (strcmp(the_family, "no-vocabulary") == 0) out->vocab = 0;
  if (strcmp(the_family, "huge-vocabulary") == 0) out->vocab = 0xffffffffu;
  if (strcmp(the_family, "no-positions") == 0) out->max_positions = 0;
  if (strcmp(the_family, "unknown-bits") == 0) out->capabilities = UINT64_MAX;
  return status;
}

#undef LOAD
#define LOAD keeping_load
#undef FACTS
#define FACTS bad_facts
#undef READ_TOP
#define READ_TOP NULL

UNMASK_EXPORT const unmask_plugin UNMASK_PLUGIN = TABLE;
