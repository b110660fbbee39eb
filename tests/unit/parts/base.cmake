# SPDX-License-Identifier: Apache-2.0
foreach(name lock host uio gate wait events)
    unit_test(${name} base)
endforeach()
