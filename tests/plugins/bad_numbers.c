/* Gives numbers that cannot be; the first fed token tells which. */
#include "base.h"

static unmask_status bad_forward(void *session, const unmask_pass_table *pass, float *out, size_t out_len,
                                 unmask_error_slot *error) {
  float zero = 0.0f;
  unmask_status status = good_forward(session, pass, out, out_len, error);
  if (pass->tokens[0] == 1) out[out_len - 1] = zero / zero;
  if (pass->tokens[0] == 2) out[0] = -1.0f / zero;
  return status;
}

static unmask_status bad_top(void *session, const unmask_pass_table *pass, const unmask_top_table *out,
                             unmask_error_slot *error) {
  float zero = 0.0f;
  unmask_status status = good_forward_top(session, pass, out, error);
  if (pass->tokens[0] == 1) out->ids[0] = VOCAB;
  if (pass->tokens[0] == 2) out->logits[1] = out->logits[0] + 1.0f;
  if (pass->tokens[0] == 3) out->entropy[0] = zero / zero;
  return status;
}

#undef FORWARD
#define FORWARD bad_forward
#undef FORWARD_TOP
#define FORWARD_TOP bad_top

UNMASK_EXPORT const unmask_plugin UNMASK_PLUGIN = TABLE;
