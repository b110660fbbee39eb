/* SPDX-License-Identifier: Apache-2.0 */
/* Packets of the control protocol. */
#include "core/control.h"
