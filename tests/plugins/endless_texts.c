/* Has more notes than anybody could read. */
#include "base.h"

static unmask_status bad_facts(const void *model, unmask_facts_row *out, unmask_error_slot *error) {
  uint32_t at;
  for (at = 0; at < 1u << 20; at++) PUT(out->notes, "and so on");
  return good_facts(model, out, error);
}

#undef FACTS
#define FACTS bad_facts

UNMASK_EXPORT const unmask_plugin UNMASK_PLUGIN = TABLE;
