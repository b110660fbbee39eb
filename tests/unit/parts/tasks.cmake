# SPDX-License-Identifier: Apache-2.0
# Tasks and signals.
unit_test(signal_queue kernel)
