/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "snapshot/manifest.pb-c.h"
#include "snapshot/report.h"

/* What this machine's CPU has and programs can see: fills an initialised message, which is freed
 * with the manifest it is part of. -ENOMEM. */
int cpu_describe(CpuFeatures *ret);

/* Can programs of that CPU go on here? Each feature that is missing and each part of the vector
 * state that lies elsewhere is a bad line. */
void cpu_check(const CpuFeatures *saved, struct report *report);
