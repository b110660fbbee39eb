/* SPDX-License-Identifier: Apache-2.0 */
/* StartSpec. */
#include "core/control.h"
